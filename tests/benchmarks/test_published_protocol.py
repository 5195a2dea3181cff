"""The published protocol, shortened: it learns, and its figures are judged as they should be."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from benchmarks.published_protocol import Protocol, run
from benchmarks.reproduce import FIGURES, compare

CELLS, CYCLES = 3, 120


@pytest.fixture(scope="module")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three cells that fade alike, stored as the study stores them."""
    rng = np.random.default_rng(0)
    cycle = np.tile(np.arange(2, CYCLES + 2), CELLS)
    loss = 0.2 * (cycle / CYCLES) ** 2
    features = loss[:, None] * [1.0, -2.0, 10.0] + rng.normal(0, 1e-3, (len(cycle), 3))
    path = tmp_path_factory.mktemp("study") / "cells.mat"
    savemat(
        path,
        {
            "Features_mov_Flt": features,
            "Cycles_Flt": cycle.astype(np.uint16)[:, None],
            "Num_Cycles_Flt": np.full((1, CELLS), CYCLES, np.uint8),
            "PCL_Flt": loss[:, None],
            "RUL_Flt": (CYCLES + 1 - cycle).astype(np.uint16)[:, None],
        },
    )
    return path


@pytest.mark.parametrize(
    ("target", "algorithm", "physics_inputs", "error"),
    [
        ("PCL", "BASELINE", ("s", "t"), 0.02),
        ("RUL", "BASELINE", ("s", "t"), 12.0),
        ("PCL", "DEEPHPM", ("s", "t"), 0.02),
        ("RUL", "DEEPHPM", ("t", "u", "u_s"), 12.0),
    ],
)
def test_a_short_run_learns(
    study_file: Path, target: str, algorithm: str, physics_inputs: tuple[str, ...], error: float
) -> None:
    torch.set_num_threads(1)
    protocol = Protocol((1, 2), 3, target, algorithm, 32, physics_inputs)
    before, after = (run(protocol, study_file, 0, epochs) for epochs in (1, 150))
    assert after < error < before


def test_figures_are_compared_with_what_chance_allows() -> None:
    figure = FIGURES[0]
    assert (figure.theirs, figure.their_spread) == (0.0190, 0.0015)
    near = compare(figure, [0.0195, 0.0200, 0.0205])
    assert near["passed"] and near["spread"] == pytest.approx(0.0005)
    assert near["limit"] == pytest.approx(0.0190 + 2 * (0.0015**2 / 4 + 0.0005**2 / 3) ** 0.5)
    assert not compare(figure, [0.0230, 0.0232])["passed"]
    assert "passed" not in compare(FIGURES[-1], [120.0, 121.0])
