"""Our reader of MATLAB 5 files gives what scipy's gives, on sound files."""

import numpy as np
from scipy.io import loadmat

from core.ingest.formats.mat5 import read_arrays
from core.ingest.limits import DEFAULT_LIMITS
from tests.paths import SHARED_DATA, needs_shared_data

NAMES = (
    "Features_mov_Flt",
    "PCL_Flt",
    "RUL_Flt",
    "Cycles_Flt",
    "Num_Cycles_Flt",
    "train_ind",
    "test_ind",
    "secondary_test_ind",
)


@needs_shared_data
def test_same_arrays_as_scipy_on_the_real_file() -> None:
    path = SHARED_DATA / "severson" / "SeversonBattery.mat"
    expected = loadmat(path)
    ours = read_arrays(path, NAMES, DEFAULT_LIMITS)
    assert set(ours) == set(NAMES)
    for name in NAMES:
        np.testing.assert_array_equal(np.ravel(ours[name]), np.ravel(expected[name]))
