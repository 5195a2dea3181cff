"""No test falls out of all lanes, and the make targets run the lanes that they promise."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import lanes
from tests.lanes import (
    LANES,
    LANES_OF_SESSION,
    assign_lanes,
    check_places,
    lane_of,
    refuse_impure,
)
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
    check_places()


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


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ({**LANES, "core/gone": "fast"}, r"places that are gone: \['core/gone'\]"),
        ({"core": "thorough"}, r"Add the folders of these to tests/lanes\.py: .*test_lanes\.py"),
    ],
)
def test_a_gap_between_places_and_folders_stops_the_session(
    monkeypatch: pytest.MonkeyPatch, places: dict[str, str], message: str
) -> None:
    monkeypatch.setattr(lanes, "LANES", places)
    with pytest.raises(pytest.UsageError, match=message):
        check_places()


def test_a_fast_test_must_do_without_a_database() -> None:
    fast, thorough = (Item(f"{place}/test_x.py", ("data_dir",)) for place in ("models", "core"))
    assign_lanes([fast, thorough])
    refuse_impure(thorough)
    with pytest.raises(pytest.fail.Exception, match="must not use data_dir"):
        refuse_impure(fast)


def test_a_slow_test_leaves_the_fast_lane() -> None:
    slow = Item("models/test_x.py", ("data_dir",), slow=True)
    assert assign_lanes([slow]) == {"thorough": 1}
    assert slow.markers == {"slow", "thorough"}
    refuse_impure(slow)


def test_a_test_without_a_lane_is_not_run() -> None:
    with pytest.raises(pytest.UsageError, match="is in no lane"):
        assign_lanes([Item("elsewhere/test_x.py")])


def test_the_make_targets_cover_all_lanes() -> None:
    makefile = Path(ROOT / "Makefile").read_text(encoding="utf-8")
    chosen = dict(re.findall(r"^([\w-]+):[^\n]*\n\t\$\(BIN\)/python -m pytest -m (.+?)(?: \$|$)",
                             makefile, re.MULTILINE))  # fmt: skip
    assert chosen == {"test": '"not e2e"', "test-fast": "fast", "e2e": "e2e"}
