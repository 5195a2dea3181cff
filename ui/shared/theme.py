"""Colours, words, units and the Plotly template that every figure and page shares."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import plotly.graph_objects as go

from models.settings.catalogue import ALGORITHMS, FLOOR_COLOUR

FONT_FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class Quantity:
    """What an axis shows: full and short name, displayed unit, stored value -> displayed value."""

    label: str
    short: str
    unit: str
    factor: float = 1.0

    @property
    def axis_title(self) -> str:
        """`label (unit)`, or the label alone for a quantity without a unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def error_unit(self) -> str:
        """The unit of a difference: two percentages differ by percentage points."""
        return "%-points" if self.unit == "%" else self.unit

    @property
    def suffix(self) -> str:
        """The unit with a leading space, for use behind a number."""
        return f" {self.unit}" if self.unit else ""


TARGET_INFO: Mapping[str, Quantity] = {
    "PCL": Quantity("Percentage capacity loss", "PCL", "%", 100.0),
    "RUL": Quantity("Remaining useful life", "RUL", "cycles"),
}
SOH = Quantity("State of health", "SOH", "%", 100.0)
CAPACITY = Quantity("Discharge capacity", "Capacity", "Ah")
CYCLE_TITLE = "Cycle number"

ROLE_LABELS: Mapping[str, str] = {"train": "Train", "val": "Validation", "test": "Test"}
ROLE_COLOURS: Mapping[str, str] = {"train": "#5A6FC0", "val": "#B28500", "test": "#C2477F"}
ROLE_SYMBOLS: Mapping[str, str] = {"train": "circle", "val": "diamond", "test": "square"}
EXPOSURE_LABELS: Mapping[str, str] = {
    "unseen": "Unseen",
    "val": "Used for selection",
    "train": "Seen in training",
}
EXPOSURE_SYMBOLS: Mapping[str, str] = {
    "unseen": "circle",
    "val": "diamond-open",
    "train": "square-open",
}


@dataclass(frozen=True)
class Palette:
    """The colours that differ between the light and the dark theme."""

    surface: str
    ink: str
    muted: str
    grid: str
    truth: str
    accent: str
    curve: str
    life_scale: tuple[str, ...]
    diverging: tuple[str, str, str]


LIGHT = Palette(
    surface="#FBFBF9",
    ink="#0F1315",
    muted="#5B646B",
    grid="#E4E4DE",
    truth="#0F1315",
    accent="#0F6B7C",
    curve="#5B7F8C",
    life_scale=("#B8860B", "#7C9A2E", "#2F9A6E", "#1B7F92", "#3A5FA8", "#4B3A86"),
    diverging=("#B4552D", "#FBFBF9", "#1F6FA8"),
)
DARK = Palette(
    surface="#14181C",
    ink="#E4E7E9",
    muted="#9BA5AC",
    grid="#2A3138",
    truth="#F2F4F5",
    accent="#4FB3C4",
    curve="#6F95A3",
    life_scale=("#E8C15A", "#A8C65A", "#5CC299", "#46AFC4", "#6C93DB", "#9B85DD"),
    diverging=("#A8552C", "#14181C", "#2B72A8"),
)


# Streamlit writes in the primary colour what is selected or pointed at. In the dark theme none is
# deep enough for the white text of buttons and bright enough for that
# (tests/ui/shared/test_contrast.py).
ACCENT_TEXT_STYLE = f"""
.stTabs [role="tab"]:is([data-selected], [data-hovered], [data-focus-visible]),
.stButtonGroup button[data-variant][data-selected]:not([data-disabled]),
.stApp button[kind^="tertiary"]:is(:hover, :focus-visible):not(:disabled)
  {{ color: light-dark({LIGHT.accent}, {DARK.accent}); }}"""


def palette(dark: bool) -> Palette:
    """The colours of the dark or the light theme."""
    return DARK if dark else LIGHT


def algorithm_label(algorithm: str) -> str:
    """The name that readers see; an unknown key is shown as it is."""
    return ALGORITHMS[algorithm].label if algorithm in ALGORITHMS else algorithm


def algorithm_colour(algorithm: str) -> str:
    """The one colour of an algorithm; anything unknown is grey, as a floor is."""
    return ALGORITHMS[algorithm].colour if algorithm in ALGORITHMS else FLOOR_COLOUR


def is_floor(algorithm: str) -> bool:
    """Whether it is only there to be beaten, and therefore grey."""
    return algorithm not in ALGORITHMS or ALGORITHMS[algorithm].is_floor


def algorithm_symbol(algorithm: str) -> str:
    """The shape of an algorithm's points where several share a figure."""
    return ALGORITHMS[algorithm].symbol if algorithm in ALGORITHMS else "circle-open"


def algorithm_dash(algorithm: str) -> str:
    """Solid for a model; each floor has a dash of its own, as they share their grey."""
    return ALGORITHMS[algorithm].dash if algorithm in ALGORITHMS else "dash"


def exposure_key(value: object) -> str:
    """`train`, `val` or `unseen` of a stored exposure or split role; all else is unseen."""
    key = str(value).lower()
    return key if key in {"train", "val"} else "unseen"


def exposure_label(value: object) -> str:
    """How a battery relates to the model, in the words that readers see."""
    return EXPOSURE_LABELS[exposure_key(value)]


def translucent(colour: str, alpha: float) -> str:
    """`#RRGGBB` as `rgba(...)` with an opacity between 0 and 1, for shading."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def metric_quantity(metric: str, target: str) -> Quantity:
    """Name, unit and display factor of a stored metric (`mae, mse, rmse, r2, rmspe, mape, ...`).

    Percentage errors are stored as fractions; the others carry the unit of their target.
    """
    info = TARGET_INFO[target]
    if metric == "r2":
        return Quantity("R²", "R²", "")
    if metric in {"rmspe", "rmspe_pcl", "mape"}:
        base = "SOH" if metric != "rmspe_pcl" and target == "PCL" else target
        short = "MAPE" if metric == "mape" else "RMSPE"
        return Quantity(f"{short} of {base}", short, "%", 100.0)
    if metric == "mse":
        return Quantity(f"MSE of {target}", "MSE", f"{info.unit}²", info.factor**2)
    return Quantity(f"{metric.upper()} of {target}", metric.upper(), info.error_unit, info.factor)


def _axis(colours: Palette) -> dict[str, Any]:
    return {
        "automargin": True,
        "gridcolor": colours.grid,
        "linecolor": colours.muted,
        "tickcolor": colours.muted,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickfont": {"color": colours.muted, "size": 12},
        "title": {"font": {"color": colours.ink, "size": 13}, "standoff": 8},
        "zeroline": False,
    }


@lru_cache(maxsize=2)
def template(dark: bool) -> go.layout.Template:
    """The Plotly template: surface, fonts, axes, legend below, hover and mode bar."""
    colours = palette(dark)
    first = [info.colour for info in ALGORITHMS.values() if not info.is_floor][:3]
    font = {"family": FONT_FAMILY, "size": 13, "color": colours.ink}
    layout = go.Layout(
        paper_bgcolor=colours.surface,
        plot_bgcolor=colours.surface,
        font=font,
        colorway=[*first, *ROLE_COLOURS.values()],
        title={"font": {"size": 14, "weight": 600}},
        legend={
            "font": {"size": 12},
            "bgcolor": "rgba(0,0,0,0)",
            "itemsizing": "constant",
            "traceorder": "normal",
        },
        hoverlabel={
            "bgcolor": colours.surface,
            "bordercolor": colours.muted,
            "font": {**font, "size": 12},
        },
        modebar={
            "bgcolor": translucent(colours.surface, 0.85),
            "color": colours.muted,
            "activecolor": colours.accent,
        },
        separators=".,",
        xaxis=_axis(colours),
        yaxis=_axis(colours),
    )
    return go.layout.Template(layout=layout)


PICTURE_WIDTH_PX = 680
PICTURE_SCALE = 4


def plotly_config(picture_format: str = "png", filename: str = "fadebench") -> dict[str, Any]:
    """Mode bar: picture at publication size (`png` or `svg`), box zoom and reset, nothing else.

    680 px at 96 px per inch are 180 mm, a two-column figure; scale 4 makes a PNG of 384 dpi. The
    height stays that of the figure. The mode bar has one picture button, hence the format here.
    """
    return {
        "displaylogo": False,
        "responsive": True,
        "modeBarButtons": [["toImage", "zoom2d", "resetScale2d"]],
        "toImageButtonOptions": {
            "format": picture_format,
            "filename": filename,
            "width": PICTURE_WIDTH_PX,
            "scale": PICTURE_SCALE if picture_format == "png" else 1,
        },
    }


PLOTLY_CONFIG: dict[str, Any] = plotly_config()
