"""What the reads of every page cost on long lists: milliseconds and statements.

python -m benchmarks.lists [--url URL] [--jobs 10000] [--repeats 5] [--cpu] [--json FILE]

Without a URL a new SQLite file is filled. A URL names an empty database, or one that an earlier
run has filled.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from benchmarks.cpu_clock import cpu_clock
from benchmarks.list_filling import Filled, fill, known

BAR_MS, BAR_STATEMENTS = 100, 20
Read = Callable[[Session, Filled], Any]


def main() -> None:
    """Fill, measure, print a table to stdout, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an empty database; a SQLite file of its own if absent")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cpu", action="store_true", help="CPU milliseconds, server included")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FADEBENCH_DATA_DIR"] = folder
        if options.url:
            os.environ["FADEBENCH_DATABASE_URL"] = options.url
        else:
            os.environ.pop("FADEBENCH_DATABASE_URL", None)
        result = measure(options.jobs, options.repeats, options.cpu)
    _print(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


def measure(n_jobs: int, repeats: int, cpu: bool) -> list[dict[str, Any]]:
    """Milliseconds (the median and the least) and statements of each read."""
    from benchmarks.list_reads import READS
    from core.base.database import get_engine, migrate, read_scope
    from db.tables import TrainingJob

    migrate()
    engine = get_engine()
    with read_scope() as session:
        there = session.scalar(select(func.count()).select_from(TrainingJob)) or 0
    start = time.perf_counter()
    filled = fill(engine, n_jobs) if not there else known(there)
    sys.stdout.write(f"{engine.dialect.name}: filled in {time.perf_counter() - start:.0f} s\n")
    rows = []
    for name, read in READS.items():
        times, count = [], 0
        for _ in range(repeats + 1):
            with read_scope() as session:
                clock = cpu_clock(session) if cpu else time.perf_counter
                start = clock()
                with counted_statements(engine) as statements:
                    read(session, filled)
                times.append(1000 * (clock() - start))
            count = len(statements)
        # The first one pays for compiling the statements.
        found = {"ms": statistics.median(times[1:]), "least_ms": min(times[1:])}
        rows.append({"read": name, **found, "statements": count})
    return rows


@contextmanager
def counted_statements(engine: Engine) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _print(rows: list[dict[str, Any]]) -> None:
    sys.stdout.write("| read | ms | least | statements | |\n|---|---|---|---|---|\n")
    for row in rows:
        missed = row["ms"] >= BAR_MS or row["statements"] > BAR_STATEMENTS
        mark = "**missed**" if missed else ""
        times = f"{row['ms']:.1f} | {row['least_ms']:.1f}"
        sys.stdout.write(f"| {row['read']} | {times} | {row['statements']} | {mark} |\n")


if __name__ == "__main__":
    main()
