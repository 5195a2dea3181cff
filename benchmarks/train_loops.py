"""Our training loop against its plain twin, a textbook's and the study's, side by side.

python -m benchmarks.train_loops [--threads 2] [--repeats 5] [--cpu] [--only TEXT]
                                [--loops plain,textbook,authors] [--json FILE]
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.authors_loop import train_authors
from benchmarks.loop_cases import CASES, LoopCase, Prepared, prepare
from benchmarks.textbook import train_textbook
from models.fast import door
from models.fast.plain_perceptron import PlainPerceptron
from models.inputs.predictor import EpochReport
from models.loop.network_fitting import fit_network
from models.settings.resolving import estimate_seconds

Loop = Callable[[Prepared], list[float]]


def train_ours(prepared: Prepared) -> list[float]:
    """Train with the product's own loop; return each epoch's mean loss."""
    reports: list[EpochReport] = []
    fit_network(
        prepared.algorithm,
        prepared.train,
        prepared.val,
        prepared.task,
        prepared.hp,
        threads=torch.get_num_threads(),
        on_epoch=reports.append,
        on_stage=lambda stage: None,
    )
    return [report.metrics.get("loss_total", report.train_loss) for report in reports]


def train_plain(prepared: Prepared) -> list[float]:
    """Train with the product's own loop and the plain perceptron; return each epoch's loss."""
    with patch.object(door, "KIND", PlainPerceptron):
        return train_ours(prepared)


LOOPS: dict[str, Loop] = {
    "ours": train_ours,
    "plain": train_plain,
    "textbook": train_textbook,
    "authors": train_authors,
}


def compare(case: LoopCase, repeats: int, clock: Callable[[], float]) -> dict[str, Any]:
    """Return median seconds an epoch of each loop, taken in turns, their ratios and the bars."""
    prepared = prepare(case)
    names = ["ours", *case.bars]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(repeats + 1):
        for name in names:
            start = clock()
            LOOPS[name](prepared)
            if turn:  # the first turn warms up
                seconds[name].append((clock() - start) / prepared.hp.epochs)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    # Ratios of neighbours in time: a machine busy with other things slows both.
    pairs = {n: [a / b for a, b in zip(seconds[n], seconds["ours"], strict=True)] for n in names}
    ratios = {name: statistics.median(pairs[name]) for name in case.bars}
    threads = torch.get_num_threads()
    estimated = estimate_seconds(case.algorithm, prepared.hp, case.n_rows, threads)
    return {
        "case": case.name,
        "seconds_per_epoch": medians,
        "estimated_s_per_epoch": estimated / prepared.hp.epochs,
        "ratio": ratios,
        "bar": case.bars,
        "passed": {name: ratios[name] >= bar for name, bar in case.bars.items()},
        "largest_loss_difference": largest_difference(case),
    }


def largest_difference(case: LoopCase, epochs: int = 2) -> float:
    """Return how far the loops' losses lie apart, relative, without dropout."""
    prepared = prepare(case, dropout=0.0, epochs=epochs)
    ours = torch.tensor(train_ours(prepared), dtype=torch.float64)
    differences = [
        (torch.tensor(LOOPS[name](prepared), dtype=torch.float64) - ours).abs() / ours.abs()
        for name in case.bars
    ]
    return float(torch.stack(differences).max())


def choose(cases: Sequence[LoopCase], text: str, loops: str) -> list[LoopCase]:
    """Return the cases whose name contains the text, with the loops named, separated by commas."""
    names = loops.split(",") if loops else list(LOOPS)
    chosen = [
        replace(case, bars={name: bar for name, bar in case.bars.items() if name in names})
        for case in cases
        if text in case.name
    ]
    return [case for case in chosen if case.bars]


def main() -> None:
    """Compare, print a table to stdout, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cpu", action="store_true", help="CPU seconds: for a busy machine")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--loops", default="", help="of the others only these; default: all")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = time.process_time if options.cpu else time.perf_counter
    results = []
    for case in choose(CASES, options.only, options.loops):
        results.append(compare(case, options.repeats, clock))
        sys.stdout.write(_lines(results[-1]))
        sys.stdout.flush()
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def _lines(result: dict[str, Any]) -> str:
    seconds = result["seconds_per_epoch"]
    difference = result["largest_loss_difference"]
    text = f"{result['case']}; losses without dropout differ by {difference:.1e}\n"
    text += f"  {'ours':9s} {1000 * seconds['ours']:8.1f} ms an epoch "
    text += f"(promised on screen: {1000 * result['estimated_s_per_epoch']:.1f} ms)\n"
    for name, bar in result["bar"].items():
        verdict = "reached" if result["passed"][name] else "NOT reached"
        text += f"  {name:9s} {1000 * seconds[name]:8.1f} ms an epoch, "
        text += f"{result['ratio'][name]:5.2f} x ours (bar {bar:g}: {verdict})\n"
    return text


if __name__ == "__main__":
    main()
