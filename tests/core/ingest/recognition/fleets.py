"""Small fading fleets as tables, for the tests of recognition."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.ingest.formats.preview import Preview, make_preview
from core.ingest.limits import DEFAULT_LIMITS
from core.ingest.mapping import ColumnMapping
from core.ingest.raw_frame import RawFrame, raw_frame
from core.ingest.table import FileTables, table_of

N_CYCLES = 60
CODES = ("C1", "C2", "C3")


def fleet(
    n_cycles: int = N_CYCLES, codes: Sequence[str] = CODES, **columns: object
) -> pd.DataFrame:
    """Cells that fade from 1.1 Ah, each a little slower than the one before."""
    frames = []
    for place, code in enumerate(codes):
        cycle = np.arange(1, n_cycles + 1)
        capacity = 1.1 - 0.004 * cycle / (1 + 0.1 * place)
        ir = 0.015 + 0.0001 * cycle + 0.001 * place
        frames.append(
            pd.DataFrame(
                {"cell": code, "cycle": cycle, "discharge_capacity_ah": capacity, "ir": ir}
            )
        )
    made = pd.concat(frames, ignore_index=True)
    return made.assign(**columns) if columns else made  # type: ignore[arg-type]


def renamed(column: str, values: object = None) -> pd.DataFrame:
    """The fleet with its capacity under another name, and other values where given."""
    frame = fleet()
    made = frame["discharge_capacity_ah"] if values is None else values
    return frame.drop(columns="discharge_capacity_ah").assign(**{column: made})


def file_of(*frames: pd.DataFrame, kind: str = "text", names: Sequence[str] = ()) -> FileTables:
    """A file of these tables."""
    called = names or [f"table {place}" for place in range(1, len(frames) + 1)]
    tables = [table_of(f, n, n.split(".")[0]) for f, n in zip(frames, called, strict=True)]
    return FileTables("CSV table", kind, tuple(tables))


def look(*frames: pd.DataFrame) -> Preview:
    """What is proposed for these tables."""
    return make_preview(file_of(*frames))


def read(frame: pd.DataFrame, mapping: ColumnMapping) -> RawFrame:
    """The raw frame of one table by a mapping."""
    return raw_frame(file_of(frame), mapping, DEFAULT_LIMITS)
