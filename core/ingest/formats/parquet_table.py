"""Parquet files: one table whose columns know their types."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.base.errors import BadFile
from core.ingest.formats.file_format import READING, FileFormat, SourceFile
from core.ingest.formats.header import unique_names
from core.ingest.formats.typed_columns import column_of
from core.ingest.formats.zip_archive import stem_of
from core.ingest.limits import Limits, Progress
from core.ingest.table import FileTables, Table


def _read(
    source: SourceFile,
    wanted: Collection[str] | None,
    _sheets: Collection[str] | None,
    on_progress: Progress,
) -> FileTables:
    try:
        with pq.ParquetFile(source.path) as file:
            _check_size(file, source.limits)
            table = _table(file, source, wanted, on_progress)
    except (pa.ArrowException, OSError) as error:
        raise BadFile(
            "The Parquet file is damaged or cut off. Copy or write it again, and upload it anew."
        ) from error
    return FileTables("Parquet table", "text", (table,))


def _table(
    file: pq.ParquetFile,
    source: SourceFile,
    wanted: Collection[str] | None,
    on_progress: Progress,
) -> Table:
    arrow = file.schema_arrow
    names = unique_names(arrow.names)
    columns = []
    # Written by pandas, an index without a name says nothing that the order of rows does not.
    for position, (name, field) in enumerate(zip(names, arrow, strict=True)):
        if (wanted is not None and name not in wanted) or name.startswith("__index_level_"):
            continue
        if pa.types.is_nested(field.type):
            raise BadFile(
                f"Column {name!r} holds {field.type}, not single values. Leave it out, or write "
                "one row per cycle."
            )
        values = file.read([field.name]).column(0)
        columns.append(column_of(name, _values(values)))
        on_progress((position + 1) / len(names), READING)
    rows = np.arange(1, file.metadata.num_rows + 1, dtype=np.int32)
    return Table(source.name, stem_of(source.name), tuple(columns), rows)


def _values(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.asarray(column.to_pandas().to_numpy())


def _check_size(file: pq.ParquetFile, limits: Limits) -> None:
    n_rows, n_columns = file.metadata.num_rows, file.metadata.num_columns
    if n_rows == 0:
        raise BadFile("The Parquet file has no rows. Upload one with data.")
    if n_rows > limits.max_rows or n_columns > limits.max_columns:
        raise BadFile(
            f"The file has {n_rows:,} rows and {n_columns:,} columns; at most "
            f"{limits.max_rows:,} and {limits.max_columns:,} can be read. FadeBench needs one "
            "row per cycle."
        )
    if n_rows * n_columns > limits.max_cells:
        raise BadFile(
            f"The file has more than {limits.max_cells:,} cells. Leave out columns that are not "
            "needed, or split the file."
        )


def _fits(_path: Path, start: bytes) -> bool:
    return start.startswith(b"PAR1")


PARQUET = FileFormat("Parquet", (".parquet",), _fits, _read)
