"""Reading a large table must not grow the process by more than three times the file."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

MIN_BYTES = 50_000_000
_CHILD = """
import sys
from pathlib import Path
from core.ingest.build import build_dataset
from core.ingest.formats.readers import preview

def peak_bytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024

path = Path(sys.argv[1])
mapping = preview(path, path.name).mapping
before = peak_bytes()
result = build_dataset(path, path.name, mapping)
print(result.report["cycles"], peak_bytes() - before)
"""


def _write_table(path: Path, in_order: bool) -> int:
    """A tidy table of at least 50 MB with every column mapped; returns its number of rows."""
    cells = [f"{0.012345 * k % 7:.7f}" for k in range(1000)]
    columns = ",".join(f"f{i}" for i in range(1, 9))
    n_rows = 0
    with path.open("w") as file:
        file.write(f"battery_code,cycle,capacity_ah,{columns}\n")
        while file.tell() < MIN_BYTES:
            code = n_rows // 1000
            for cycle in range(1000) if in_order else range(999, -1, -1):
                values = ",".join(cells[(cycle + 37 * i) % 1000] for i in range(8))
                file.write(f"cell-{code:04d},{cycle},{1.1 - 1e-4 * cycle:.6f},{values}\n")
            n_rows += 1000
    return n_rows


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("in_order", [True, False])
def test_peak_memory_of_a_50_mb_table(in_order: bool, tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    n_rows = _write_table(path, in_order)
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    cycles, grown = map(int, child.stdout.split())
    assert cycles == n_rows
    assert grown <= 3 * path.stat().st_size
