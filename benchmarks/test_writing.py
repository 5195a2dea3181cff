"""What a test job costs beside its inference and a raw insert of the same rows.

python -m benchmarks.test_writing [--batteries 124] [--cycles 99281] [--repeats 3] [--json FILE]
"""

import argparse
import json
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.fleet import N_BATTERIES, N_CYCLES, add_fleet, fresh_database

BAR = 2.0


def main() -> None:
    """Measure, print a line to stdout, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batteries", type=int, default=N_BATTERIES)
    parser.add_argument("--cycles", type=int, default=N_CYCLES)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cpu", action="store_true", help="CPU seconds: for a busy machine")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    clock = time.process_time if options.cpu else time.perf_counter
    with fresh_database():
        result = measure(options.batteries, options.cycles, options.repeats, clock)
    verdict = "reached" if result["ratio"] <= BAR else "NOT reached"
    sys.stdout.write(
        f"{result['rows']:,} rows: test job {result['test_job_s']:.2f} s (writing "
        f"{result['writing_s']:.2f} s), inference {result['inference_s']:.2f} s + raw insert "
        f"{result['raw_insert_s']:.2f} s: {result['ratio']:.2f} x (bar {BAR:g}: {verdict})\n"
    )
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


def measure(
    n_batteries: int, n_cycles: int, repeats: int, clock: Callable[[], float]
) -> dict[str, Any]:
    """Test all batteries with a model of both targets, and do the bare minimum, in turns."""
    from core.base.database import read_scope
    from core.evaluation.request import TestRequest
    from core.evaluation.start import start_test
    from core.model_versions.versions import list_models

    user, dataset_id = train_small_model(n_batteries, n_cycles)
    with read_scope() as session:
        model_id = list_models(session, user)[0].id
    times: dict[str, list[float]] = {
        name: [] for name in ("test_job_s", "writing_s", "inference_s", "raw_insert_s")
    }
    rows = 0
    for _ in range(repeats):
        codes = [f"{number:03d}" for number in range(1, n_batteries + 1)]
        test_id = start_test(user, TestRequest(model_id, dataset_id, codes))
        whole, writing = _test_job(clock)
        inference, raw, rows = _bare_minimum(test_id, clock)
        for name, value in zip(times, (whole, writing, inference, raw), strict=True):
            times[name].append(value)
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratio = medians["test_job_s"] / (medians["inference_s"] + medians["raw_insert_s"])
    return {**medians, "rows": rows, "ratio": ratio, "bar": BAR}


def train_small_model(n_batteries: int, n_cycles: int) -> tuple[Any, int]:
    """Store a fleet and train the cheapest network for one epoch; returns user and dataset."""
    from core.accounts.accounts import add_user
    from core.base.database import session_scope
    from core.training.request import TrainingRequest
    from core.training.start import start_training

    with session_scope() as session:
        user = add_user(session, "bench@example.org", "bench", "correct horse battery", True)
    dataset_id = add_fleet(n_batteries, n_cycles)
    settings = {"epochs": 1, "device": "cpu"}
    start_training(user, TrainingRequest(dataset_id, "BOTH", ["BASELINE"], hyperparams=settings))
    work_off("train")
    return user, dataset_id


def work_off(lane: str) -> list[Any]:
    """Do the waiting tasks of one lane in this process; returns their contexts."""
    from core.base.database import read_scope
    from core.jobs.context import load_context
    from core.jobs.kinds import get_kinds
    from core.jobs.supervisor import Supervisor

    supervisor, contexts = Supervisor(), []
    while (task_id := supervisor._claim(lane)) is not None:
        with read_scope() as session:
            contexts.append(load_context(session, task_id))
        get_kinds()[contexts[-1].kind].load_work()(contexts[-1])
    return contexts


def _test_job(clock: Callable[[], float]) -> tuple[float, float]:
    """Return the seconds of the whole job, and of its storing of predictions."""
    from core.base.database import read_scope
    from core.evaluation import work as test_work
    from core.jobs.context import load_context
    from core.jobs.supervisor import Supervisor

    supervisor, spent = Supervisor(), 0.0
    original = test_work._write_predictions

    def timed(*arguments: Any) -> None:
        nonlocal spent
        start = clock()
        original(*arguments)
        spent += clock() - start

    task_id = supervisor._claim("short")
    while task_id is not None:
        with read_scope() as session:
            context = load_context(session, task_id)
        if context.kind == "TEST":
            test_work._write_predictions = timed  # type: ignore[assignment]
            start = clock()
            try:
                test_work.work(context)
            finally:
                test_work._write_predictions = original
            return clock() - start, spent
        from core.jobs.kinds import get_kinds

        get_kinds()[context.kind].load_work()(context)
        task_id = supervisor._claim("short")
    raise RuntimeError("There is no waiting test.")


def _bare_minimum(test_id: int, clock: Callable[[], float]) -> tuple[float, float, int]:
    """Predict again, and insert the job's rows again with sqlite3 alone, into the same table."""
    from core.base.database import get_engine, read_scope
    from core.evaluation.work import _load
    from core.jobs.context import TaskContext
    from db.tables import TestJob, TestJobPrediction

    with read_scope() as session:
        test = session.get_one(TestJob, test_id)
    assignment = _load(TaskContext(0, "TEST", test_id, test.user_id, 1))
    start = clock()
    for series in assignment.series.values():
        assignment.model.predict(series, assignment.test.horizon)
    inference = clock() - start
    table = TestJobPrediction.__tablename__
    names = [c.name for c in TestJobPrediction.__table__.columns if c.name != "id"]
    connection = sqlite3.connect(str(get_engine().url.database))
    rows = connection.execute(
        f"SELECT {', '.join(names)} FROM {table} WHERE test_job_id = ? ORDER BY id", [test_id]
    ).fetchall()
    connection.execute(f"DELETE FROM {table} WHERE test_job_id = ?", [test_id])
    connection.commit()
    markers = ", ".join("?" * len(names))
    start = clock()
    connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({markers})", rows)
    connection.commit()
    raw = clock() - start
    connection.execute(f"DELETE FROM {table} WHERE test_job_id = ?", [test_id])
    connection.commit()
    connection.close()
    return inference, raw, len(rows)


if __name__ == "__main__":
    main()
