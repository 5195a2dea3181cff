"""Small files and mappings that the tests of ingest share."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from openpyxl import Workbook
from scipy.io import savemat

from core.ingest.build import wanted_columns
from core.ingest.formats.readers import read_tables
from core.ingest.limits import DEFAULT_LIMITS, Limits
from core.ingest.mapping import ColumnMapping, FeatureColumn
from core.ingest.raw_frame import raw_frame

TIDY_HEADER = "cell,cycle,capacity_ah,temp_degc"
TIDY_CSV = TIDY_HEADER + "\na,1,1.1,30\na,2,0.9,31\na,3,0.8,32\nb,1,1.05,30\nb,2,1.0,30.5\n"
TIDY = ColumnMapping(
    battery_column="cell",
    cycle_column="cycle",
    capacity_column="capacity_ah",
    features=(FeatureColumn("temperature", "degC", "temp_degc"),),
    nominal_capacity_ah=1.1,
)


def write(path: Path, content: str | bytes) -> Path:
    """Write text (as UTF-8) or bytes; returns the path."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write_zip(path: Path, members: Mapping[str, str | bytes]) -> Path:
    """Write a ZIP archive of the given members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_xlsx(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """Write a workbook with the given rows per sheet."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    workbook.save(path)
    return path


def mat_variables(n_features: int = 3, counts: Sequence[int] = (300, 200, 3)) -> dict[str, Any]:
    """Variables of a small file in the Severson layout, in the narrow integers of the original."""
    n_cycles = sum(counts)
    cycles = np.concatenate([np.arange(2, 2 + count) for count in counts])
    rul = np.concatenate([np.arange(count, 0, -1) for count in counts])
    return {
        "Features_mov_Flt": np.arange(n_cycles * n_features, dtype=float).reshape(n_cycles, -1),
        "Num_Cycles_Flt": np.array(counts, dtype=np.uint16)[:, None],
        "Cycles_Flt": cycles.astype(np.uint16)[:, None],
        "PCL_Flt": np.linspace(0.0, 0.1, n_cycles)[:, None],
        "RUL_Flt": rul.astype(np.uint16)[:, None],
        "train_ind": np.array([[2]], dtype=np.uint8),
        "test_ind": np.array([[1]], dtype=np.uint8),
        "secondary_test_ind": np.array([[3]], dtype=np.uint8),
    }


def write_mat(path: Path, variables: Mapping[str, Any], compress: bool = True) -> Path:
    """Write a MATLAB v5 file."""
    buffer = io.BytesIO()
    savemat(buffer, dict(variables), do_compression=compress)
    return write(path, buffer.getvalue())


def read_table(
    path: Path,
    original_name: str,
    mapping: ColumnMapping,
    limits: Limits = DEFAULT_LIMITS,
    **more: Any,
) -> pd.DataFrame:
    """The raw frame of a file by a mapping."""
    sheets = None if mapping.sheet is None else (mapping.sheet,)
    wanted = wanted_columns(mapping)
    tables = read_tables(path, original_name, limits, wanted=wanted, sheets=sheets, **more)
    return raw_frame(tables, mapping, limits).frame
