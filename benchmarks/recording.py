"""What recording metrics, logs and heartbeats costs a training run.

python -m benchmarks.recording [--epochs 200] [--json FILE]

A real run with its watching thread. Counted is the CPU time that the training thread spends on
handing over records, against the CPU time of training; and the CPU time that the watching thread
spends on writing, polling and beating, against the time on the clock, by which it works.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.fleet import add_fleet, fresh_database

BAR = 0.02
# The smaller the data, the shorter an epoch and the larger the share of recording.
CASES = (("BASELINE", 6, 4_000), ("DEEPHPM", 6, 4_000), ("BASELINE", 60, 48_000))


def main() -> None:
    """Measure, print a line per case to stdout, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = []
    for algorithm, n_batteries, n_cycles in CASES:
        with fresh_database():
            results.append(measure(algorithm, n_batteries, n_cycles, options.epochs))
        sys.stdout.write(_line(results[-1]))
        sys.stdout.flush()
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def measure(algorithm: str, n_batteries: int, n_cycles: int, epochs: int) -> dict[str, Any]:
    """Train once through the background task's own code; times in CPU seconds."""
    from core.accounts.accounts import add_user
    from core.base.database import read_scope, session_scope
    from core.jobs.context import TaskContext, load_context
    from core.jobs.supervisor import Supervisor
    from core.training.request import TrainingRequest
    from core.training.start import start_training
    from core.training.work import work

    dataset_id = add_fleet(n_batteries, n_cycles)
    settings = {"epochs": epochs, "patience": 0, "device": "cpu"}
    with session_scope() as session:
        user = add_user(session, "bench@example.org", "bench", "correct horse battery", True)
    start_training(user, TrainingRequest(dataset_id, "BOTH", [algorithm], hyperparams=settings))
    task_id = Supervisor()._claim("train")
    if task_id is None:
        raise RuntimeError("There is no waiting run.")
    with read_scope() as session:
        context = load_context(session, task_id)
    spent: dict[str, float] = {}
    originals = {
        name: getattr(TaskContext, name) for name in ("report", "record", "flush", "_obey")
    }
    for name, original in originals.items():
        setattr(TaskContext, name, _timed(original, name, spent))
    watcher = context.watch()
    start, start_wall = time.process_time(), time.perf_counter()
    try:
        work(context)
    finally:
        total, wall = time.process_time() - start, time.perf_counter() - start_wall
        context.stop_watching()
        watcher.join()
        for name, original in originals.items():
            setattr(TaskContext, name, original)
    handing_over, watching = spent["report"] + spent["record"], spent["flush"] + spent["_obey"]
    return {
        "algorithm": algorithm,
        "rows": n_cycles,
        "epochs": epochs,
        "run_cpu_s": total,
        "run_wall_s": wall,
        "parts_cpu_s": spent,
        "share": handing_over / total + watching / wall,
        "bar": BAR,
    }


def _timed(method: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    def measured(*arguments: Any) -> Any:
        start = time.thread_time()
        try:
            return method(*arguments)
        finally:
            spent[name] = spent.get(name, 0.0) + time.thread_time() - start

    return measured


def _line(result: dict[str, Any]) -> str:
    verdict = "reached" if result["share"] <= BAR else "NOT reached"
    return (
        f"{result['algorithm']:9s} {result['rows']:6,} rows, {result['epochs']} epochs: "
        f"{result['share']:.2%} of the time goes into recording (bar {BAR:.0%}: {verdict})\n"
    )


if __name__ == "__main__":
    main()
