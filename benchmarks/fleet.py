"""A database of its own with a large made-up dataset, filled through the product's services."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd

from core.ingest.build import IngestResult

N_BATTERIES, N_CYCLES = 124, 99_281
N_FEATURES = 8


@contextmanager
def fresh_database() -> Iterator[None]:
    """A migrated SQLite database in a temporary folder; settings point there until the end."""
    from core.base.database import get_engine, migrate
    from core.base.settings import get_settings
    from core.wiring import wire

    with tempfile.TemporaryDirectory() as folder:
        os.environ["FADEBENCH_DATA_DIR"] = folder
        os.environ.pop("FADEBENCH_DATABASE_URL", None)
        get_settings.cache_clear()
        migrate()
        wire()
        yield
        get_engine().dispose()


def add_fleet(n_batteries: int, n_cycles: int) -> int:
    """Store batteries that fade alike, for everybody to see; returns the dataset's id."""
    from core.base.database import session_scope
    from core.datasets.writing import create_loading_dataset, publish, write_rows

    result = _read(n_batteries, n_cycles)
    with session_scope() as session:
        dataset_id = create_loading_dataset(session, "Large", None, None)
    write_rows(dataset_id, result, lambda _share: None)
    with session_scope() as session:
        publish(session, dataset_id, result)
    return dataset_id


def _read(n_batteries: int, n_cycles: int) -> IngestResult:
    """What reading a file of such batteries gives."""
    rng = np.random.default_rng(0)
    lengths = np.full(n_batteries, n_cycles // n_batteries)
    lengths[: n_cycles - lengths.sum()] += 1
    cycle = np.concatenate([np.arange(1, n + 1) for n in lengths])
    share = np.concatenate([np.arange(1, n + 1) / n for n in lengths])
    codes = [f"{number:03d}" for number in range(1, n_batteries + 1)]
    # No two alike, or they would be taken for one battery under two names.
    loss = 0.2 * share ** np.repeat(rng.uniform(1.2, 3.0, n_batteries), lengths)
    loss += rng.normal(0, 1e-3, len(loss))
    frame = pd.DataFrame(
        {
            "battery_code": np.repeat(codes, lengths),
            "cycle_num": cycle,
            "pcl": loss,
            "rul": np.repeat(lengths, lengths) - cycle,
            "capacity_ah": 1.1 * (1 - loss),
        }
    )
    for number in range(1, N_FEATURES + 1):
        frame[f"feature_{number}"] = number * loss + rng.normal(0, 0.01, len(frame))
    batteries = pd.DataFrame(
        {
            "battery_code": codes,
            "group_tag": [("train", "val", "test")[number % 3] for number in range(n_batteries)],
            "total_cycles": lengths,
            "nominal_capacity": 1.1,
            "cycle_life": lengths,
            "first_capacity_ah": 1.1,
            "last_capacity_ah": 0.88,
        }
    )
    features = [
        {"name": f"x{n}", "unit": "", "source": f"x{n}", "column": f"feature_{n}"}
        for n in range(1, N_FEATURES + 1)
    ]
    return IngestResult(frame, batteries, {"features": features}, {})
