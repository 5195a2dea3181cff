"""Our training loop against a textbook one: same rows, same network, same machine, one run.

python -m benchmarks.train_loops [--rows 16000] [--epochs 3] [--repeats 3] [--json FILE]
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.textbook import train_baseline, train_deephpm
from models.config import Hyperparameters, estimate_seconds, resolve
from models.fitting import fit
from models.samples import ask_current, gather, make_rows
from models.scaling import fit_scaler
from models.series import BatterySeries, Task, make_task

FEATURES = tuple(f"feature_{i}" for i in range(1, 9))
TEXTBOOK = {"BASELINE": train_baseline, "DEEPHPM": train_deephpm}
ROWS_PER_BATTERY = 800


def simulate(rows: int, seed: int) -> list[BatterySeries]:
    """Return batteries of noise around a fade; only their size matters here."""
    rng = np.random.default_rng(seed)
    batteries = []
    for number in range(-(-rows // ROWS_PER_BATTERY)):
        cycle = np.arange(1, ROWS_PER_BATTERY + 1, dtype=np.int64)
        loss = 0.2 * (cycle / ROWS_PER_BATTERY) ** 2
        features = loss[:, None] + rng.normal(0.0, 0.02, (len(cycle), len(FEATURES)))
        targets = np.column_stack([loss, ROWS_PER_BATTERY - cycle])
        batteries.append(BatterySeries(f"{number:03d}", cycle, features, targets, 1.0 - loss))
    return batteries


def seconds_of(work: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(algorithm: str, rows: int, epochs: int, repeats: int) -> dict[str, float]:
    """Return median seconds an epoch of both loops, taken in turns, and their ratio."""
    train, val = simulate(rows, 0), simulate(rows // 4, 1)
    hp = resolve(algorithm, {"epochs": epochs, "patience": 0, "device": "cpu"})
    task = make_task(("PCL", "RUL"), FEATURES, hp)
    ours, textbook = [], []
    for _ in range(repeats):
        ours.append(seconds_of(lambda: run_ours(algorithm, train, val, task, hp)))
        if algorithm in TEXTBOOK:
            textbook.append(seconds_of(lambda: run_textbook(algorithm, train, val, task, hp)))
    labelled = sum(len(s) for s in train)
    result = {
        "rows": labelled,
        "ours_s_per_epoch": statistics.median(ours) / epochs,
        "estimated_s_per_epoch": estimate_seconds(algorithm, hp, labelled, 1) / epochs,
    }
    if textbook:
        result["textbook_s_per_epoch"] = statistics.median(textbook) / epochs
        result["speed_up"] = statistics.median(textbook) / statistics.median(ours)
    return result


def run_ours(
    algorithm: str,
    train: list[BatterySeries],
    val: list[BatterySeries],
    task: Task,
    hp: Hyperparameters,
) -> None:
    """Train with the product's own loop."""
    fit(
        algorithm,
        train,
        val,
        task,
        hp,
        threads=1,
        on_epoch=lambda report: None,
        on_stage=lambda stage: None,
    )


def run_textbook(
    algorithm: str,
    train: list[BatterySeries],
    val: list[BatterySeries],
    task: Task,
    hp: Hyperparameters,
) -> None:
    """Train the same network on the same scaled rows with the textbook's loop."""
    scaler = fit_scaler(train, task)
    tensors = []
    for batteries in (train, val):
        rows = make_rows(batteries, task, scaler, torch.device("cpu"))
        batch = gather(rows, ask_current(rows), scaler, task, None)
        tensors.append((batch.state, batch.time, rows.target))
    TEXTBOOK[algorithm](*tensors[0], tensors[1], hp)


def main() -> None:
    """Compare, print a table to stdout, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=16_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = {
        algorithm: compare(algorithm, options.rows, options.epochs, options.repeats)
        for algorithm in ("BASELINE", "BILSTM", "DEEPHPM")
    }
    for algorithm, numbers in results.items():
        cells = "  ".join(f"{name} {value:.3g}" for name, value in numbers.items())
        sys.stdout.write(f"{algorithm:9s} {cells}\n")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
