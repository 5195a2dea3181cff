"""How long do others wait for SQLite's single writer while a large dataset is stored and deleted?

python -m benchmarks.write_locks [--cycles 100000]
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from core.ingest.build import IngestResult


def main() -> None:
    """Print the longest and the median wait of a small write, in milliseconds, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=100_000)
    cycles = parser.parse_args().cycles
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FADEBENCH_DATA_DIR"] = folder
        os.environ.pop("FADEBENCH_DATABASE_URL", None)
        sys.stdout.write(json.dumps(measure(cycles)) + "\n")


def measure(cycles: int) -> dict[str, dict[str, float]]:
    """Waits of small writes during each large one."""
    from core.base.database import migrate, session_scope
    from core.datasets.writing import create_loading_dataset, publish, write_rows
    from core.removal.sweeping import sweep

    migrate()
    result = _result(cycles)
    with session_scope() as session:
        dataset_id = create_loading_dataset(session, "Large", None, None)
    waits = {"store": _waits_during(lambda: write_rows(dataset_id, result, lambda _share: None))}
    with session_scope() as session:
        publish(session, dataset_id, result)
    with session_scope() as session:
        from db.tables import Dataset

        session.get_one(Dataset, dataset_id).loading = True
    return waits | {"delete": _waits_during(sweep)}


def _result(cycles: int) -> IngestResult:
    per_battery = 1000
    codes = [f"{i:04d}" for i in range(cycles // per_battery)]
    frame = pd.DataFrame(
        {
            "battery_code": np.repeat(codes, per_battery),
            "cycle_num": np.tile(np.arange(per_battery), len(codes)),
            "pcl": 0.1,
            "rul": 5,
            "capacity_ah": 1.0,
        }
    )
    for i in range(1, 9):
        frame[f"feature_{i}"] = 1.0
    batteries = pd.DataFrame(
        {
            "battery_code": codes,
            "group_tag": None,
            "total_cycles": per_battery,
            "nominal_capacity": 1.1,
            "cycle_life": None,
            "first_capacity_ah": 1.0,
            "last_capacity_ah": 1.0,
        }
    )
    return IngestResult(frame, batteries, {}, {})


def _waits_during(work: Callable[[], None]) -> dict[str, float]:
    from core.base.database import session_scope
    from db.tables import LoginThrottle
    from db.tables.columns import utc_now

    waits: list[float] = []
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            started = time.perf_counter()
            with session_scope() as session:
                session.add(
                    LoginThrottle(
                        email_hash=f"{time.time_ns()}{number}",
                        failures=0,
                        last_failure_at=utc_now(),
                    )
                )
            waits.append(time.perf_counter() - started)
            number += 1
            time.sleep(0.01)

    other = threading.Thread(target=write)
    other.start()
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    done.set()
    other.join()
    return {
        "seconds": round(seconds, 2),
        "longest_wait_ms": round(max(waits) * 1000, 1),
        "median_wait_ms": round(float(np.median(waits)) * 1000, 1),
    }


if __name__ == "__main__":
    main()
