"""Which tests run where: each place of `tests/` belongs to one lane.

`fast` tests are pure: they need no database, process, server or browser and train nothing for
long. `make test-fast` runs them alone, `make test` runs them and the `thorough` ones, and
`make e2e` the `e2e` ones. A slow test of a fast place is marked `slow` and is thorough.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

import pytest

from tests.paths import ROOT

TESTS = ROOT / "tests"
# Folders and files below tests/; the longest path that fits a test decides.
LANES: Mapping[str, str] = {
    "benchmarks": "thorough",
    "core": "thorough",
    "core/base/test_spreadsheets.py": "fast",
    "core/base/test_words.py": "fast",
    "core/datasets/test_sketches.py": "fast",
    "core/ingest": "fast",
    "core/ingest/test_limited.py": "thorough",
    "core/leakage/test_columns.py": "fast",
    "core/measures": "fast",
    "db": "thorough",
    "docs": "fast",
    "docs/recipes": "thorough",
    "e2e": "e2e",
    "golden": "thorough",
    "models": "fast",
    "pages": "thorough",
    "repository": "fast",
    "ui": "fast",
    "ui/accounts": "thorough",
}
# Whoever asks for one of these is not pure.
IMPURE_FIXTURES = frozenset({"data_dir", "migrated_folder"})
# How many tests of a session are in each lane, before some are left out.
LANES_OF_SESSION = pytest.StashKey[Counter[str]]()


def lane_of(path: str) -> str | None:
    """The lane of a test file, given below tests/; None where no place in LANES holds it."""
    here = PurePosixPath(path)
    for place in (here, *here.parents):
        if str(place) in LANES:
            return LANES[str(place)]
    return None


def lane_of_file(path: Path) -> str | None:
    """As `lane_of`, for where a file lies on this machine; None outside tests/, too."""
    return lane_of(path.relative_to(TESTS).as_posix()) if path.is_relative_to(TESTS) else None


def check_places() -> None:
    """Every place exists, and every test file stands in one.

    Raises
    ------
    pytest.UsageError: names the places that are gone, or the files without a lane.
    """
    if gone := sorted(place for place in LANES if not (TESTS / place).exists()):
        raise pytest.UsageError(f"tests/lanes.py names places that are gone: {gone}")
    files = sorted(TESTS.rglob("test_*.py"))
    if homeless := [str(path.relative_to(TESTS)) for path in files if not lane_of_file(path)]:
        raise pytest.UsageError(f"Add the folders of these to tests/lanes.py: {homeless}")


def assign_lanes(items: Iterable[pytest.Item]) -> Counter[str]:
    """Mark all tests with their lanes, and count them."""
    counted: Counter[str] = Counter()
    for item in items:
        lane = lane_of_file(item.path)
        if lane is None:
            raise pytest.UsageError(f"{item.nodeid} is in no lane, see tests/lanes.py")
        if lane == "fast" and item.get_closest_marker("slow"):
            lane = "thorough"
        item.add_marker(lane)
        counted[lane] += 1
    return counted


def refuse_impure(item: pytest.Item) -> None:
    """Fail a test of the fast lane that asks for a database."""
    impure = IMPURE_FIXTURES.intersection(getattr(item, "fixturenames", ()))
    if impure and item.get_closest_marker("fast"):
        pytest.fail(
            f"A fast test must not use {', '.join(sorted(impure))}: mark it slow, or say in "
            "tests/lanes.py that its file is thorough."
        )
