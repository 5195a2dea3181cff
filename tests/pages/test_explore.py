"""The explore page: every view, the battery that an address names, and bad addresses."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.access.actor import CurrentUser
from tests.core.wide import NAMES, import_features, write_wide
from tests.pages.conftest import run_page, store_fleet, texts


def test_without_datasets_the_page_says_what_to_do(user: CurrentUser) -> None:
    assert "No datasets yet" in texts(run_page("explore", user))


@pytest.mark.parametrize("view", ["Curves", "Cycle life", "Feature by split", "Correlation"])
def test_every_view_draws_one_figure(user: CurrentUser, view: str) -> None:
    dataset_id = store_fleet(None, "Fleet")

    test = run_page("explore", user, {"dataset": dataset_id, "view": view})

    assert len(test.get("plotly_chart")) == 1


def test_all_batteries_are_drawn_with_end_of_life(user: CurrentUser) -> None:
    dataset_id = store_fleet(None, "Fleet")

    chart = run_page("explore", user, {"dataset": dataset_id}).get("plotly_chart")[0]

    figure = json.loads(chart.proto.spec)
    assert figure["layout"]["title"]["text"].startswith("State of health (SOH) of 24 batteries")
    assert "80%" in json.dumps(figure["layout"]["annotations"])


def test_the_address_names_quantity_colour_and_battery(user: CurrentUser) -> None:
    dataset_id = store_fleet(None, "Fleet")
    address = {
        "dataset": dataset_id,
        "quantity": "internal_resistance, ohm",
        "colour": "Split",
        "battery": "sim-05",
    }

    test = run_page("explore", user, address)

    assert [box.value for box in test.selectbox][1:] == [
        "internal_resistance, ohm",
        "Split",
        "sim-05",
    ]
    assert "Battery sim-05" in texts(test)
    assert len(test.get("plotly_chart")) == 2


def test_an_unknown_battery_shows_the_fleet(user: CurrentUser) -> None:
    dataset_id = store_fleet(None, "Fleet")

    test = run_page("explore", user, {"dataset": dataset_id, "battery": "nobody"})

    assert len(test.get("plotly_chart")) == 1


def test_of_many_features_a_battery_shows_those_that_are_picked(
    user: CurrentUser, tmp_path: Path
) -> None:
    write_wide(tmp_path / "wide.csv")
    dataset_id = import_features(user, tmp_path / "wide.csv")
    address = {"dataset": dataset_id, "quantity": "x11", "battery": "b2"}
    page = run_page("explore", user, address)
    box = page.multiselect(key=f"drawn_features_{dataset_id}")
    assert (box.value, box.options) == (list(NAMES[:8]), list(NAMES))
    assert strips(page)[3:] == list(NAMES[:8])
    box.set_value(["x11", "x9"]).run()
    assert not page.exception
    assert strips(page)[3:] == ["x9", "x11"]


def strips(page: AppTest) -> list[str]:
    """Titles of the strips of the shown battery: three labels, then features."""
    figure = json.loads(page.get("plotly_chart")[1].proto.spec)
    return [note["text"] for note in figure["layout"]["annotations"]]


@pytest.mark.parametrize("address", ["999", "abc"])
def test_a_bad_address_is_explained(user: CurrentUser, address: str) -> None:
    store_fleet(None, "Fleet")

    assert "No such dataset" in texts(run_page("explore", user, {"dataset": address}))


def test_what_belongs_to_another_does_not_exist(user: CurrentUser, stranger: CurrentUser) -> None:
    dataset_id = store_fleet(user, "Secret")
    run_page("explore", user, {"dataset": dataset_id})

    seen = texts(run_page("explore", stranger, {"dataset": dataset_id}))

    assert "No such dataset" in seen
    assert "Secret" not in seen
