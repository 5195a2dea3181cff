"""The shared look: colours that hold on both surfaces, units, mode bar, titles that fit."""

import ast
import tomllib
from itertools import combinations
from pathlib import Path

import pytest

from models.settings.catalogue import ALGORITHMS
from tests.paths import ROOT
from ui.shared.figures import selected_batteries
from ui.shared.figures.canvas import new_figure, significant
from ui.shared.theme import (
    DARK,
    FLOOR_COLOUR,
    LIGHT,
    PLOTLY_CONFIG,
    ROLE_COLOURS,
    TARGET_INFO,
    algorithm_colour,
    algorithm_dash,
    algorithm_symbol,
    exposure_label,
    is_floor,
    metric_quantity,
    plotly_config,
    template,
    translucent,
)


def luminance(colour: str) -> float:
    """Relative luminance of `#RRGGBB` as WCAG 2 defines it, 0 to 1."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_lines_stand_out_and_text_is_readable(colours):
    for line in (
        *(info.colour for info in ALGORITHMS.values()),
        *ROLE_COLOURS.values(),
        colours.curve,
    ):
        assert contrast(line, colours.surface) >= 3
    for text in (colours.ink, colours.muted):
        assert contrast(text, colours.surface) >= 4.5


def test_no_two_series_share_a_colour():
    models = [info.colour for info in ALGORITHMS.values() if not info.is_floor]
    series = [*models, *ROLE_COLOURS.values()]
    assert all(one != other for one, other in combinations(series, 2))


def test_models_have_a_colour_of_their_own_and_floors_are_grey():
    for key, info in ALGORITHMS.items():
        assert (algorithm_colour(key) == FLOOR_COLOUR) == info.is_floor == is_floor(key)
    assert algorithm_colour("SOMETHING") == FLOOR_COLOUR


def test_floors_differ_by_dash_and_models_by_symbol():
    floors = [key for key in ALGORITHMS if is_floor(key)]
    assert len({algorithm_dash(key) for key in floors} - {"solid"}) == len(floors)
    assert len({algorithm_symbol(key) for key in ALGORITHMS}) == len(ALGORITHMS)
    assert {algorithm_dash(key) for key in ALGORITHMS if not is_floor(key)} == {"solid"}


def test_targets_are_shown_in_percent_and_cycles():
    assert TARGET_INFO["PCL"].axis_title == "Percentage capacity loss (%)"
    assert TARGET_INFO["PCL"].factor == 100
    assert TARGET_INFO["RUL"].axis_title == "Remaining useful life (cycles)"
    assert TARGET_INFO["RUL"].factor == 1


@pytest.mark.parametrize(
    ("metric", "target", "unit", "factor"),
    [
        ("rmse", "PCL", "%-points", 100),
        ("rmse", "RUL", "cycles", 1),
        ("mse", "PCL", "%²", 10_000),
        ("mse", "RUL", "cycles²", 1),
        ("rmspe", "PCL", "%", 100),
        ("rmspe", "RUL", "%", 100),
        ("r2", "RUL", "", 1),
    ],
)
def test_metrics_carry_their_unit(metric, target, unit, factor):
    quantity = metric_quantity(metric, target)
    assert (quantity.unit, quantity.factor) == (unit, factor)


def test_rmspe_names_its_denominator():
    assert metric_quantity("rmspe", "PCL").label == "RMSPE of SOH"
    assert metric_quantity("rmspe_pcl", "PCL").label == "RMSPE of PCL"


def test_exposure_words():
    assert exposure_label("TRAIN") == "Seen in training"
    assert exposure_label("val") == "Used for selection"
    assert exposure_label("test") == exposure_label(None) == "Unseen"


def test_mode_bar_has_picture_zoom_and_reset_only():
    assert PLOTLY_CONFIG["modeBarButtons"] == [["toImage", "zoom2d", "resetScale2d"]]
    assert PLOTLY_CONFIG["displaylogo"] is False
    assert plotly_config("svg")["toImageButtonOptions"]["format"] == "svg"


def test_templates_differ_by_surface():
    assert template(False).layout.paper_bgcolor == LIGHT.surface
    assert template(True).layout.paper_bgcolor == DARK.surface
    assert translucent("#FF8000", 0.5) == "rgba(255,128,0,0.5)"


def test_long_titles_wrap_and_get_room():
    short = new_figure("Loss", dark=False, revision="r")
    long = new_figure("Loss " * 20, subtitle="note " * 30, dark=False, revision="r")
    assert long.layout.margin.t > short.layout.margin.t
    assert all(len(line) <= 42 for line in long.layout.title.text.split("<br>")[:3])


def test_numbers_have_four_digits_and_no_exponent():
    assert [significant(v) for v in (0.01234567, 91.1234, 17161.2)] == [
        "0.01235",
        "91.12",
        "17,161",
    ]


def test_selected_batteries_of_any_event():
    points = [{"customdata": ["002", 1.0]}, {"customdata": {"0": "001"}}, {"customdata": "002"}]
    points += [{"x": 1}, {"customdata": []}]
    assert selected_batteries({"selection": {"points": points}}) == ["002", "001"]
    assert selected_batteries(None) == selected_batteries({}) == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "ui" / "shared" / "figures").glob("*.py")), ids=lambda p: p.name
)
def test_figures_import_neither_streamlit_nor_services(path: Path):
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    modules = [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)]
    modules += [alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names]
    assert not {module.split(".")[0] for module in modules} & {"streamlit", "core", "db", "models"}


def test_streamlits_own_charts_have_the_colours_of_the_catalogue():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    models = [info.colour for info in ALGORITHMS.values() if not info.is_floor]
    for theme in ("light", "dark"):
        assert config["theme"][theme]["chartCategoricalColors"] == [
            *models[:3],
            *ROLE_COLOURS.values(),
        ]
