"""The version of an algorithm says what its models say: change one, and raise the other."""

import json
from typing import Any

import numpy as np
import pytest

from models.settings.catalogue import ALGORITHMS
from tests.golden.make_checkpoints import CASES, Case
from tests.golden.make_versions import FILE, predictions

# Of the largest number of a column: processors add up in different orders, and training carries
# that along.
TOLERANCE = 1e-4
STORED: dict[str, Any] = json.loads(FILE.read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_numbers_change_only_with_the_version(case: Case) -> None:
    stored, version = STORED[case.name], ALGORITHMS[case.algorithm].version
    assert stored["version"] == version, (
        f"The version of {case.algorithm} was raised: run `python -m tests.golden.make_versions`."
    )
    for code, found in predictions(case).items():
        wanted = np.array(stored["predictions"][code])
        largest = np.abs(wanted).max(axis=0)
        difference = np.abs(np.array(found) - wanted)
        assert (difference <= TOLERANCE * largest).all(), (
            f"Models of {case.algorithm} say something else than before. If that is meant, raise "
            "its version in models/settings/catalogue.py and run "
            "`python -m tests.golden.make_versions`."
        )


def test_every_algorithm_has_predictions() -> None:
    assert {item["algorithm"] for item in STORED.values()} == set(ALGORITHMS)
