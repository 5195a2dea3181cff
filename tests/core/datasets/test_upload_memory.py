"""Reading and storing a large file takes at most three times its size in memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from tests.paths import ROOT

FILE_BYTES = 20_000_000

CHILD = """
import resource, sys
from pathlib import Path
from core.accounts import accounts
from core.datasets import uploads
from core.base.database import migrate, read_scope, session_scope
from core.jobs.context import load_context
from core.jobs.supervisor import Supervisor
from core.datasets.upload_work import work
from core.wiring import wire

migrate()
with session_scope() as session:
    user = accounts.sign_up(session, "ann@example.org", "Ann", "long enough password")
with session_scope() as session, Path(sys.argv[1]).open("rb") as stream:
    upload_id = uploads.receive_upload(session, user, "large.csv", stream)
with read_scope() as session:
    mapping = uploads.preview_upload(session, user, upload_id).mapping
with session_scope() as session:
    uploads.confirm_mapping(session, user, upload_id, mapping, "Large")
wire()
supervisor = Supervisor()
task_id = supervisor._claim("short")
with read_scope() as session:
    context = load_context(session, task_id)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
context.watch()
work(context)
context.stop_watching()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with read_scope() as session:
    info = uploads.get_upload_info(session, user, upload_id)
print(info.status, (after - before) * 1024)
"""


def test_peak_memory_is_at_most_three_times_the_file(data_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    _write_table(path)
    size = path.stat().st_size
    assert size >= FILE_BYTES
    result = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    status, growth = result.stdout.split()
    assert status == "SUCCEEDED"
    assert int(growth) <= 3 * size, f"grew by {int(growth) / size:.2f} times the file"


def _write_table(path: Path) -> None:
    rng = np.random.default_rng(0)
    batteries, cycles = 60, 2100
    n = batteries * cycles
    frame = pd.DataFrame(
        {
            "battery": np.repeat([f"cell_{i:03d}" for i in range(batteries)], cycles),
            "cycle": np.tile(np.arange(1, cycles + 1), batteries),
            "capacity_ah": 1.1 - 0.0001 * np.tile(np.arange(cycles), batteries),
        }
    )
    for i in range(8):
        frame[f"feature {i}"] = rng.normal(size=n)
    frame.to_csv(path, index=False)
