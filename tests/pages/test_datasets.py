"""The datasets page: list, detail, split, labels, and what a stranger sees."""

from dataclasses import replace

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.datasets.builtin import ensure_demo_fleet
from core.datasets.datasets import get_dataset_summary, list_batteries, set_split
from core.datasets.demo_fleet import make_demo_fleet
from tests.pages.conftest import run_page, store_fleet, texts
from ui.datasets.order import naturally

VIEWS = ("Overview", "Batteries", "Split", "Labels", "Manage")


def press(test: AppTest, label: str) -> None:
    """Press the button of this label and run the page again."""
    next(button for button in test.button if button.label == label).click().run()
    assert not test.exception, test.exception


def figures(test: AppTest) -> int:
    """How many plots are on the page."""
    return len(test.get("plotly_chart"))


def test_without_any_dataset_the_page_says_what_to_do(user: CurrentUser) -> None:
    test = run_page("datasets", user)

    assert "No datasets yet" in texts(test)
    assert figures(test) == 0


def test_while_the_demonstration_fleet_is_made_the_page_says_so(user: CurrentUser) -> None:
    ensure_demo_fleet()

    assert "demonstration fleet" in texts(run_page("datasets", user))


def test_the_first_screen_shows_the_newest_dataset_of_ones_own(user: CurrentUser) -> None:
    store_fleet(user, "Mine")
    store_fleet(None, "Simulated")

    test = run_page("datasets", user)

    assert test.subheader[0].value == "Mine"
    assert figures(test) == 1
    assert list(test.dataframe[0].value["name"]) == ["Mine", "Simulated"]
    assert list(test.dataframe[0].value["batteries"]) == [24, 24]


def test_names_are_shown_as_they_are_written(user: CurrentUser) -> None:
    dataset_id = store_fleet(user, "*a* [b](c)")

    test = run_page("datasets", user, {"dataset": dataset_id})

    assert test.title[0].value == "\\*a\\* \\[b\\](c)"


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_of_ones_own_and_of_a_built_in_dataset(user: CurrentUser, view: str) -> None:
    for owner in (user, None):
        dataset_id = store_fleet(owner, "Fleet")
        test = run_page("datasets", user, {"dataset": dataset_id, "view": view})
        assert "24 batteries · 18,232 cycles" in texts(test)


def test_built_in_datasets_are_read_only(user: CurrentUser) -> None:
    dataset_id = store_fleet(None, "Fleet")

    for view in ("Split", "Labels", "Manage"):
        test = run_page("datasets", user, {"dataset": dataset_id, "view": view})
        assert "Built-in datasets are the same for everybody" in texts(test)
        assert [button.label for button in test.button] == ["Train on it"]


@pytest.mark.parametrize("address", ["999", "abc", ""])
def test_a_bad_address_is_explained(user: CurrentUser, address: str) -> None:
    assert "No such dataset" in texts(run_page("datasets", user, {"dataset": address}))


def test_what_belongs_to_another_does_not_exist(user: CurrentUser, stranger: CurrentUser) -> None:
    dataset_id = store_fleet(user, "Secret")

    seen = texts(run_page("datasets", stranger, {"dataset": dataset_id}))

    assert "No such dataset" in seen
    assert "Secret" not in seen + texts(run_page("datasets", stranger))


def test_proposed_split_is_shown_then_saved(user: CurrentUser) -> None:
    dataset_id = store_fleet(user, "Fleet")
    with session_scope() as session:
        codes = list(list_batteries(session, user, dataset_id)["battery_code"])
        set_split(session, user, dataset_id, dict.fromkeys(codes))
    test = run_page("datasets", user, {"dataset": dataset_id, "view": "Split"})
    assert "24 no role · 0 changed" in texts(test)

    press(test, "Propose a split")
    assert "24 changed" in texts(test)
    press(test, "Save split")

    with read_scope() as session:
        assert list_batteries(session, user, dataset_id)["group_tag"].notna().all()
    assert "0 no role · 0 changed" in texts(test)


def test_roles_not_saved_are_still_there_after_another_view(user: CurrentUser) -> None:
    dataset_id = store_fleet(user, "Fleet")
    test = run_page("datasets", user, {"dataset": dataset_id, "view": "Overview"})

    test.session_state[f"split_draft_{dataset_id}"] = {"sim-01": None}
    test.session_state["view"] = "Split"
    test.run()

    assert "1 no role · 1 changed" in texts(test)


def test_batteries_are_listed_as_people_count() -> None:
    frame = pd.DataFrame({"battery_code": ["b1c11", "b1c2", "B1c10", "a"], "n": [3, 1, 2, 0]})

    assert list(naturally(frame)["n"]) == [0, 1, 2, 3]


def test_labels_change_only_after_a_look(user: CurrentUser) -> None:
    dataset_id = store_fleet(user, "Fleet")
    test = run_page("datasets", user, {"dataset": dataset_id, "view": "Labels"})

    threshold = next(i for i in test.number_input if i.label.startswith("End of life"))
    threshold.set_value(85.0).run()
    assert "Apply" not in [button.label for button in test.button]
    press(test, "Show what changes")
    assert "Batteries with RUL: 24 now, 24 then." in texts(test)
    press(test, "Apply")

    with read_scope() as session:
        summary = get_dataset_summary(session, user, dataset_id)
    assert (summary.eol.threshold, summary.labels_version) == (0.85, 2)


def test_renaming(user: CurrentUser) -> None:
    dataset_id = store_fleet(user, "Old")
    test = run_page("datasets", user, {"dataset": dataset_id, "view": "Manage"})

    test.text_input[0].set_value("New")
    press(test, "Rename")

    assert test.title[0].value == "New"


def test_deleting_asks_for_the_name_and_lists_what_goes(user: CurrentUser) -> None:
    dataset_id = store_fleet(user, "Fleet")
    test = run_page("datasets", user, {"dataset": dataset_id, "view": "Manage"})

    press(test, "Delete dataset")
    assert "24 batteries, 18,232 cycles, 1 uploaded file" in texts(test)
    assert next(button for button in test.button if button.label == "Delete for good").disabled

    # A dialog ends with the run in this harness, so its input is filled in before it opens.
    test = run_page("datasets", user, {"dataset": dataset_id, "view": "Manage"})
    test.session_state[f"confirm_{dataset_id}"] = "Fleet"
    press(test, "Delete dataset")
    assert not next(button for button in test.button if button.label == "Delete for good").disabled


def store_older(owner: CurrentUser | None) -> int:
    """A fleet with a life that a dip ended, as the older rules left it."""
    made = make_demo_fleet()
    code = str(made.batteries["battery_code"].iloc[0])
    cycles = made.cycles.copy()
    row = cycles.index[cycles["battery_code"] == code][40]
    cycles.loc[row, ["capacity_ah", "pcl"]] = [0.0, 1.0]
    batteries = made.batteries.copy()
    batteries.loc[batteries["battery_code"] == code, "cycle_life"] = 41
    schema = made.feature_schema.changed(label_rules=1)
    older = replace(made, cycles=cycles, batteries=batteries, feature_schema=schema)
    return store_fleet(owner, "Older", older)


def test_older_labels_are_kept_until_the_corrected_ones_are_accepted(user: CurrentUser) -> None:
    dataset_id = store_older(user)
    test = run_page("datasets", user, {"dataset": dataset_id, "view": "Labels"})
    assert "By the corrected rules 1 of 24 lives changes" in texts(test)
    assert "1 isolated low reading in 1 battery" in [box.label for box in test.expander]

    press(test, "Accept the corrected labels")

    assert "By the corrected rules" not in texts(test)
    with read_scope() as session:
        assert get_dataset_summary(session, user, dataset_id).schema.label_rules == 2


def test_members_see_that_an_administrator_can_correct_a_built_in_dataset(
    user: CurrentUser, stranger: CurrentUser
) -> None:
    dataset_id = store_older(None)
    assert "An administrator can accept this" in texts(
        run_page("datasets", stranger, {"dataset": dataset_id})
    )
    buttons = run_page("datasets", user, {"dataset": dataset_id}).button
    assert "Accept the corrected labels" in [button.label for button in buttons]
