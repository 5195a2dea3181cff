"""Which tests run where: each place of `tests/` belongs to one lane.

`fast` tests are pure: they need no database, process, server or browser and train nothing for
long. `make test-fast` runs them alone, `make test` runs them and the `thorough` ones, and
`make e2e` the `e2e` ones. A slow test of a fast place is marked `slow` and is thorough.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from tests.paths import ROOT

# Folders and files below tests/; the longest path that fits a test decides.
LANES: Mapping[str, str] = {
    "benchmarks": "thorough",
    "core": "thorough",
    "core/ingest": "fast",
    "core/leakage/test_columns.py": "fast",
    "core/leakage/test_sketches.py": "fast",
    "core/test_curves.py": "fast",
    "core/test_export_files.py": "fast",
    "core/test_metrics.py": "fast",
    "core/test_paired.py": "fast",
    "core/test_splits.py": "fast",
    "db": "thorough",
    "docs": "fast",
    "e2e": "e2e",
    "models": "fast",
    "pages": "thorough",
    "repository": "fast",
    "ui": "fast",
    "ui/test_login.py": "thorough",
    "ui/test_login_account.py": "thorough",
    "ui/test_login_library.py": "thorough",
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
    tests = ROOT / "tests"
    return lane_of(path.relative_to(tests).as_posix()) if path.is_relative_to(tests) else None


def missing_places() -> list[str]:
    """Places in LANES that do not exist (any more)."""
    return sorted(place for place in LANES if not (ROOT / "tests" / place).exists())


def assign_lane(item: pytest.Item) -> str:
    """Mark a test with its lane, and return that.

    Raises
    ------
    pytest.UsageError: no place holds it, or it stands in the fast lane without being pure.
    """
    lane = lane_of_file(item.path)
    if lane is None:
        raise pytest.UsageError(f"{item.nodeid} is in no lane: add its folder to tests/lanes.py.")
    if lane == "fast" and item.get_closest_marker("slow"):
        lane = "thorough"
    impure = IMPURE_FIXTURES.intersection(getattr(item, "fixturenames", ()))
    if lane == "fast" and impure:
        raise pytest.UsageError(
            f"{item.nodeid} uses {', '.join(sorted(impure))}, which no fast test may: "
            "mark it slow, or say in tests/lanes.py that its file is thorough."
        )
    item.add_marker(lane)
    return lane


def assign_lanes(items: list[pytest.Item]) -> Counter[str]:
    """Mark all tests with their lanes, and count them; raises as `assign_lane` does."""
    if missing := missing_places():
        raise pytest.UsageError(f"tests/lanes.py names places that are gone: {missing}")
    return Counter(assign_lane(item) for item in items)
