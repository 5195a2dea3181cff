"""Draws docs/arrows.svg from the import contracts in pyproject.toml.

`python docs/draw_arrows.py` writes it; a test fails while it is not what the contracts give.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "arrows.svg"

MARGIN, BOX, GAP, ARROW, TITLE = 24, 30, 22, 26, 34
CHARACTER, PADDING = 7.6, 22
# An opaque ground of its own: readable whichever theme the page around it has.
STYLE = """
text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; text-anchor: middle; }
.title { font-weight: 600; }
.note { fill: #59636e; text-anchor: start; }
.ground { fill: #ffffff; }
.room { fill: #eaf2fb; stroke: #7a9cc6; }
.arrow, .bar { stroke: #59636e; stroke-width: 1.5; }
.head { fill: #59636e; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .note { fill: #9198a1; }
  .ground { fill: #0d1117; }
  .room { fill: #1b2a3d; stroke: #5b7fae; }
  .arrow, .bar { stroke: #9198a1; }
  .head { fill: #9198a1; }
}
"""
NOTES = (
    "A room may import from every row below its own, and from none above.",
    "A bar between two rooms: neither may import the other.",
)


@dataclass(frozen=True)
class Row:
    """Rooms on one height; `apart` where none of them may import another."""

    rooms: tuple[str, ...]
    apart: bool

    @property
    def width(self) -> float:
        return sum(map(_width, self.rooms)) + GAP * (len(self.rooms) - 1)


@dataclass(frozen=True)
class Panel:
    """One contract: rows from the top down."""

    title: str
    rows: tuple[Row, ...]

    @property
    def width(self) -> float:
        return max(*(row.width for row in self.rows), CHARACTER * len(self.title))

    @property
    def height(self) -> float:
        return TITLE + len(self.rows) * (BOX + ARROW) - ARROW


def read_panels(pyproject: Path = ROOT / "pyproject.toml") -> list[Panel]:
    """The contracts of the type "layers"; other contracts keep some of their rooms apart."""
    found = tomllib.loads(pyproject.read_text(encoding="utf-8"))["tool"]["importlinter"]
    contracts = found["contracts"]
    apart = [set(c["modules"]) for c in contracts if c["type"] == "independence"]
    return [
        Panel(contract["name"], tuple(_row(layer, apart) for layer in contract["layers"]))
        for contract in contracts
        if contract["type"] == "layers"
    ]


def draw(panels: list[Panel]) -> str:
    """The picture as SVG, panels side by side."""
    width = sum(panel.width for panel in panels) + MARGIN * 2 * len(panels)
    bottom = MARGIN + max(panel.height for panel in panels)
    height = bottom + MARGIN + 20 * len(NOTES)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">',
        "<title>Who may import whom</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{width:.0f}" height="{height:.0f}" rx="8"/>',
    ]
    left: float = MARGIN
    for panel in panels:
        parts += _panel(panel, left + panel.width / 2)
        left += panel.width + 2 * MARGIN
    for index, note in enumerate(NOTES, start=1):
        parts.append(_text(MARGIN, bottom + 8 + 20 * index, note, "note"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(layer: str, apart: list[set[str]]) -> Row:
    rooms = tuple(re.split(r"\s*[|:]\s*", layer))
    return Row(rooms, "|" in layer or any(set(rooms) <= others for others in apart))


def _width(room: str) -> float:
    return CHARACTER * len(room) + PADDING


def _panel(panel: Panel, middle: float) -> Iterator[str]:
    yield _text(middle, MARGIN + 14, panel.title, "title")
    top: float = MARGIN + TITLE
    for index, row in enumerate(panel.rows):
        if index:
            yield _arrow(middle, top - ARROW, top)
        left = middle - row.width / 2
        for place, room in enumerate(row.rooms):
            if place and row.apart:
                x = left - GAP / 2
                yield (
                    f'<line class="bar" x1="{x:.1f}" x2="{x:.1f}" y1="{top + 4:.0f}" '
                    f'y2="{top + BOX - 4:.0f}"/>'
                )
            yield (
                f'<rect class="room" x="{left:.1f}" y="{top:.0f}" width="{_width(room):.1f}" '
                f'height="{BOX}" rx="5"/>'
            )
            yield _text(left + _width(room) / 2, top + 20, room)
            left += _width(room) + GAP
        top += BOX + ARROW


def _arrow(x: float, start: float, end: float) -> str:
    tip = end - 3
    return (
        f'<line class="arrow" x1="{x:.1f}" x2="{x:.1f}" y1="{start + 3:.0f}" y2="{tip - 6:.0f}"/>'
        f'<path class="head" d="M{x - 5:.1f} {tip - 8:.0f}h10l-5 8z"/>'
    )


def _text(x: float, y: float, text: str, look: str = "") -> str:
    named = f' class="{look}"' if look else ""
    return f'<text{named} x="{x:.1f}" y="{y:.0f}">{escape(text)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(draw(read_panels()), encoding="utf-8")
