"""Where real data lies for the tests that use it; the product never ships it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"

needs_shared_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason="real cycling data (../shared/data) is not on this machine"
)
