"""Do our networks reproduce the published figures on the study's own file?

python -m benchmarks.reproduce [--file FILE] [--seeds 5] [--processes 1] [--json FILE]
"""

import argparse
import json
import math
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.published_protocol import EPOCHS, Protocol, run

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "severson"
THEIR_ROUNDS = 4
CASE_A, CASE_B = ((91, 100), 124), ((101, 108, 120), 116)


@dataclass(frozen=True)
class Figure:
    """One number of an independent run of the authors' code; None where there is none."""

    name: str
    protocol: Protocol
    theirs: float | None
    their_spread: float | None


FIGURES = (
    Figure("A capacity Baseline", Protocol(*CASE_A, "PCL", "BASELINE"), 0.0190, 0.0015),
    Figure("A capacity DeepHPM", Protocol(*CASE_A, "PCL", "DEEPHPM"), 0.0186, 0.0008),
    Figure("A RUL Baseline", Protocol(*CASE_A, "RUL", "BASELINE"), 22.0, 2.7),
    Figure(
        "A RUL DeepHPM",
        Protocol(*CASE_A, "RUL", "DEEPHPM", physics_inputs=("s", "t", "u")),
        24.0,
        1.4,
    ),
    Figure("B capacity Baseline", Protocol(*CASE_B, "PCL", "BASELINE", 64), 0.0125, 0.0004),
    Figure("B RUL Baseline", Protocol(*CASE_B, "RUL", "BASELINE"), 125.9, 3.2),
    Figure(
        "B capacity DeepHPM",
        Protocol(*CASE_B, "PCL", "DEEPHPM", 64, physics_inputs=("t",)),
        None,
        None,
    ),
    Figure(
        "B RUL DeepHPM",
        Protocol(*CASE_B, "RUL", "DEEPHPM", physics_inputs=("t", "u", "u_s")),
        None,
        None,
    ),
)


def compare(figure: Figure, errors: list[float]) -> dict[str, Any]:
    """Return mean and spread of our runs, and whether they exceed theirs by more than chance."""
    mean = statistics.mean(errors)
    spread = statistics.stdev(errors) if len(errors) > 1 else 0.0
    result: dict[str, Any] = {
        "figure": figure.name,
        "unit": "RMSPE on SOH" if figure.protocol.target == "PCL" else "RMSE in cycles",
        "mean": mean,
        "spread": spread,
        "errors": errors,
        "theirs": figure.theirs,
        "their_spread": figure.their_spread,
    }
    if figure.theirs is None or figure.their_spread is None:
        return result
    variance = figure.their_spread**2 / THEIR_ROUNDS + spread**2 / len(errors)
    limit = figure.theirs + 2 * math.sqrt(variance)
    return result | {"limit": limit, "passed": mean <= limit}


def main() -> None:
    """Train every figure's networks, print a table to stdout, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, default=SHARED / "SeversonBattery.mat")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", default="", help="figures whose name contains this")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    results = []
    with ProcessPoolExecutor(
        options.processes, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        for figure in (f for f in FIGURES if options.only in f.name):
            one = partial(run, figure.protocol, options.file, epochs=options.epochs)
            results.append(compare(figure, list(pool.map(one, range(options.seeds)))))
            sys.stdout.write(_line(results[-1]))
            sys.stdout.flush()
            if options.json:
                options.json.write_text(json.dumps(results, indent=2) + "\n")


def _line(result: dict[str, Any]) -> str:
    digits = 4 if "SOH" in result["unit"] else 1
    text = f"{result['figure']:20s} {result['unit']:15s} "
    text += f"ours {result['mean']:.{digits}f} +- {result['spread']:.{digits}f}"
    if result["theirs"] is not None:
        text += f", theirs {result['theirs']:.{digits}f} +- {result['their_spread']:.{digits}f}, "
        text += f"limit {result['limit']:.{digits}f}: "
        text += "reproduced" if result["passed"] else "NOT reproduced"
    return text + "\n"


if __name__ == "__main__":
    main()
