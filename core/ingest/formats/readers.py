"""Every file format that FadeBench reads, and reading a file of any of them."""

import gzip
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

from core.base.errors import BadFile
from core.ingest.formats import archives, mat, parquet_table, text_files, xlsx_table
from core.ingest.formats.file_format import FileFormat, SourceFile
from core.ingest.formats.file_kind import recognise_format
from core.ingest.formats.preview import Preview, make_preview
from core.ingest.limits import DEFAULT_LIMITS, Limits, Progress, no_progress
from core.ingest.mapping import Layout
from core.ingest.table import FileTables

# The first that fits a file's content is taken; CSV takes what no other knows, so it is last.
FORMATS: tuple[FileFormat, ...] = (
    mat.MAT,
    text_files.CSV_GZ,
    xlsx_table.XLSX,
    archives.ZIP,
    parquet_table.PARQUET,
    text_files.CSV,
)


def known_endings() -> list[str]:
    """What names of files may end in, without the dot; of ".csv.gz" the "gz"."""
    return [ending.rpartition(".")[2] for known in FORMATS for ending in known.endings]


def find_format(path: Path, original_name: str, limits: Limits = DEFAULT_LIMITS) -> FileFormat:
    """The format of a file; raises BadFile if none fits, or its ending belongs to another."""
    return recognise_format(SourceFile(path, original_name, limits), FORMATS)


def read_tables(
    path: Path,
    original_name: str,
    limits: Limits = DEFAULT_LIMITS,
    wanted: Collection[str] | None = None,
    on_progress: Progress = no_progress,
    sheets: Collection[str] | None = None,
) -> FileTables:
    """Read the tables of a file whole.

    wanted : only these columns, where a table has them; None = all
    sheets : only these worksheets; None = all

    Raises BadFile when the file cannot be used, saying what to change.
    """
    source = SourceFile(path, original_name, limits)
    found = recognise_format(source, FORMATS)
    with _readable(original_name):
        return found.read(source, wanted, sheets, on_progress)


def preview(
    path: Path,
    original_name: str,
    limits: Limits = DEFAULT_LIMITS,
    sheet: str | None = None,
    layout: Layout | None = None,
) -> Preview:
    """Read a file and propose a mapping for it.

    Raises BadFile when the file cannot be used, saying what to change.
    """
    tables = read_tables(path, original_name, limits)
    found = make_preview(tables, sheet, layout)
    if tables.label == mat.SEVERSON_LABEL:
        # Every column of this file is known.
        return replace(found, mapping=mat.propose(found.columns), guesses=(), questions=())
    return found


@contextmanager
def _readable(original_name: str) -> Iterator[None]:
    """Turn what the standard library raises on broken archives and text into BadFile."""
    try:
        yield
    except (BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise BadFile(
            f"{original_name} is damaged or cut off. Copy or pack it again, and upload it anew."
        ) from error
