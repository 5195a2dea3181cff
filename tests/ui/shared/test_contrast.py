"""Words are readable in both themes: WCAG 2 asks for a contrast of 4.5, and 3 for shapes."""

import colorsys
import tomllib
from typing import Any

import pytest

from tests.paths import ROOT
from tests.ui.shared.figures.test_theme import contrast
from ui.accounts.login import CARD_STYLE
from ui.shared.frame import PAGE_STYLE
from ui.shared.theme import DARK, LIGHT, Palette

THEMES = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
BOTH = pytest.mark.parametrize(
    ("theme", "colours"), [(THEMES["light"], LIGHT), (THEMES["dark"], DARK)], ids=["light", "dark"]
)
TEXT, SHAPE = 4.5, 3.0
WHITE = "#FFFFFF"
NAMED = ("red", "orange", "yellow", "green", "blue", "violet", "gray")


def channels(colour: str) -> list[float]:
    """Red, green and blue of `#RRGGBB`, 0 to 1."""
    return [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]


def written(parts: Any) -> str:
    return "#" + "".join(f"{round(255 * part):02X}" for part in parts)


def tinted(colour: str, surface: str, share: float) -> str:
    """`colour` with this opacity over `surface`."""
    pairs = zip(channels(colour), channels(surface), strict=True)
    return written(share * over + (1 - share) * under for over, under in pairs)


def lightened(colour: str, by: float) -> str:
    """Another lightness, as Streamlit derives the text colour of badges and messages."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*channels(colour))
    return written(colorsys.hls_to_rgb(hue, min(max(lightness + by, 0.0), 1.0), saturation))


def surfaces(theme: dict[str, Any]) -> list[str]:
    """What words stand on, in the page and in the sidebar."""
    names = ("backgroundColor", "secondaryBackgroundColor")
    return [part[name] for part in (theme, theme["sidebar"]) for name in names]


@BOTH
def test_white_text_of_primary_buttons(theme: dict[str, Any], colours: Palette) -> None:
    assert contrast(WHITE, theme["primaryColor"]) >= TEXT


@BOTH
def test_captions_which_streamlit_fades_to_60_percent(
    theme: dict[str, Any], colours: Palette
) -> None:
    for surface in surfaces(theme):
        assert contrast(tinted(theme["textColor"], surface, 0.6), surface) >= TEXT


@BOTH
def test_text_and_links_on_every_surface(theme: dict[str, Any], colours: Palette) -> None:
    for surface in surfaces(theme):
        assert contrast(theme["textColor"], surface) >= TEXT
        assert contrast(theme["linkColor"], surface) >= TEXT
        assert contrast(theme["primaryColor"], surface) >= SHAPE
    assert contrast(theme["codeTextColor"], theme["codeBackgroundColor"]) >= TEXT
    header = theme["dataframeHeaderBackgroundColor"]
    assert contrast(theme["dataframeHeaderTextColor"], header) >= TEXT


@BOTH
def test_what_is_selected_or_pointed_at(theme: dict[str, Any], colours: Palette) -> None:
    """The selected segment is tinted with a tenth of the primary colour; tabs stand on the page."""
    surface = theme["backgroundColor"]
    for under in (surface, tinted(theme["primaryColor"], surface, 0.1)):
        assert contrast(colours.accent, under) >= TEXT
    for style in (PAGE_STYLE, CARD_STYLE):
        assert f"light-dark({LIGHT.accent}, {DARK.accent})" in style


@BOTH
def test_badges_and_messages(theme: dict[str, Any], colours: Palette) -> None:
    """Streamlit tints the ground with a tenth of the colour, a fifth in the dark theme."""
    dark = colours is DARK
    surface = theme["backgroundColor"]
    for name in NAMED:
        colour = theme[f"{name}Color"]
        ground = tinted(colour, surface, 0.2 if dark else 0.1)
        assert contrast(lightened(colour, 0.15 if dark else -0.15), ground) >= TEXT, name


@BOTH
def test_figures_stand_on_the_surface_of_the_page(theme: dict[str, Any], colours: Palette) -> None:
    assert colours.surface == theme["backgroundColor"]
    assert colours.ink == theme["textColor"]
