"""Decision records stay short, and they and the measurements behind them link to each other."""

import re
from pathlib import Path

import pytest

from tests.paths import ROOT

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
BENCHMARKS = ROOT / "benchmarks" / "README.md"
PAGES = [*DECISIONS, BENCHMARKS, ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
# Half a page; 001 lists the columns that a test compares with the tables.
MOST_LINES = 50


def _anchors(page: Path) -> set[str]:
    """The addresses of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name)
def test_decisions_are_short_and_measurements_stand_elsewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert "±" not in text


def test_measurements_and_decisions_link_to_each_other() -> None:
    measurements = BENCHMARKS.read_text(encoding="utf-8")
    linked = re.findall(r"\]\(\.\./docs/decisions/([^)]+)\)", measurements)
    assert len(linked) >= 5
    for name in linked:
        text = (ROOT / "docs" / "decisions" / name).read_text(encoding="utf-8")
        assert f"../../benchmarks/README.md#decision-{name[:3]}" in text
