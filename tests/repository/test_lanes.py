"""No test falls out of all lanes, and the make targets run the lanes that they promise."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import lanes
from tests.lanes import LANES, LANES_OF_SESSION, assign_lane, assign_lanes, lane_of, missing_places
from tests.paths import ROOT

TESTS = ROOT / "tests"
MARKERS = {"fast", "thorough", "e2e"}


class Item:
    """What the lanes look at in a test."""

    def __init__(self, path: str, fixtures: tuple[str, ...] = (), slow: bool = False) -> None:
        self.path, self.nodeid, self.fixturenames = TESTS / path, path, fixtures
        self.markers = {"slow"} if slow else set()

    def get_closest_marker(self, name: str) -> Any:
        return SimpleNamespace(name=name) if name in self.markers else None

    def add_marker(self, name: str) -> None:
        self.markers.add(name)


def test_every_test_file_has_a_lane() -> None:
    files = [path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")]
    assert len(files) > 100
    assert [path for path in files if lane_of(path) not in MARKERS] == []
    assert missing_places() == []


def test_every_test_of_this_session_is_in_one_lane(request: pytest.FixtureRequest) -> None:
    counted = request.config.stash[LANES_OF_SESSION]
    assert set(counted) <= MARKERS and counted["fast"] > 0
    for item in request.session.items:
        assert len(MARKERS & {mark.name for mark in item.iter_markers()}) == 1, item.nodeid


@pytest.mark.parametrize(
    ("path", "lane"),
    [
        ("models/test_x.py", "fast"),
        ("core/test_x.py", "thorough"),
        ("core/ingest/test_x.py", "fast"),
        ("core/ingest/formats/test_x.py", "fast"),
        ("core/ingest_more/test_x.py", "thorough"),
        ("e2e/test_x.py", "e2e"),
        ("elsewhere/test_x.py", None),
        ("test_x.py", None),
    ],
)
def test_the_longest_place_decides(path: str, lane: str | None) -> None:
    assert lane_of(path) == lane


def test_a_test_without_a_place_stops_the_session() -> None:
    with pytest.raises(pytest.UsageError, match=r"elsewhere/test_x\.py is in no lane"):
        assign_lane(Item("elsewhere/test_x.py"))


def test_a_place_that_is_gone_stops_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "LANES", {**LANES, "core/gone": "fast"})
    with pytest.raises(pytest.UsageError, match=r"places that are gone: \['core/gone'\]"):
        assign_lanes([])


def test_a_fast_test_must_do_without_a_database() -> None:
    with pytest.raises(pytest.UsageError, match="uses data_dir, which no fast test may"):
        assign_lane(Item("models/test_x.py", fixtures=("data_dir",)))
    assert assign_lane(Item("core/test_x.py", fixtures=("data_dir",))) == "thorough"


def test_a_slow_test_leaves_the_fast_lane() -> None:
    slow = Item("models/test_x.py", fixtures=("data_dir",), slow=True)
    assert assign_lane(slow) == "thorough"
    assert slow.markers == {"slow", "thorough"}


def test_the_make_targets_cover_all_lanes() -> None:
    makefile = Path(ROOT / "Makefile").read_text(encoding="utf-8")
    chosen = dict(re.findall(r"^([\w-]+):[^\n]*\n\t\$\(BIN\)/python -m pytest -m (.+?)(?: \$|$)",
                             makefile, re.MULTILINE))  # fmt: skip
    assert chosen == {"test": '"not e2e"', "test-fast": "fast", "e2e": "e2e"}
