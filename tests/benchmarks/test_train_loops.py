"""The loops of `make bench` do the same work: without dropout their losses agree."""

from dataclasses import replace

import pytest
import torch

from benchmarks.loop_cases import CASES, LoopCase
from benchmarks.train_loops import LOOPS, choose, largest_difference
from tests.paths import ROOT

SMALL = {"batch_size": 64, "hidden_size": 16, "window_length": 5}


def _small(case: LoopCase) -> LoopCase:
    settings = {k: v for k, v in SMALL.items() if k in case.settings or k == "hidden_size"}
    return replace(case, n_rows=200, settings=case.settings | settings)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_losses_agree_to_a_hundred_thousandth(case: LoopCase) -> None:
    torch.set_num_threads(1)
    assert set(case.bars) <= set(LOOPS)
    assert largest_difference(_small(case)) < 1e-5


def test_cases_and_loops_can_be_chosen() -> None:
    (chosen,) = choose(CASES, "2,777 rows, batch 1024, 2x64, no", "plain")[:1]
    assert chosen.algorithm == "BASELINE" and list(chosen.bars) == ["plain"]
    assert [case.algorithm for case in choose(CASES, "", "authors,textbook")][-1] == "BILSTM"
    assert choose(CASES, "BiLSTM", "plain") == [] and choose(CASES, "", "") == list(CASES)


def test_make_bench_runs_them() -> None:
    assert "-m benchmarks.train_loops" in (ROOT / "Makefile").read_text()
