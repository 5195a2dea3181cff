"""Every file format that FadeBench reads, and reading a file of any of them."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

import pandas as pd

from core.base.errors import BadFile
from core.ingest.formats import mat, text_files, xlsx_table
from core.ingest.formats.file_format import FileFormat, SourceFile
from core.ingest.formats.file_kind import recognise_format
from core.ingest.formats.preview import Preview
from core.ingest.limits import DEFAULT_LIMITS, Limits, Progress, no_progress
from core.ingest.mapping import ColumnMapping

# The first that fits a file's content is taken; CSV takes what no other knows, so it is last.
FORMATS: tuple[FileFormat, ...] = (
    mat.MAT,
    text_files.CSV_GZ,
    xlsx_table.XLSX,
    text_files.ZIP,
    text_files.CSV,
)


def known_endings() -> list[str]:
    """What names of files may end in, without the dot; of ".csv.gz" the "gz"."""
    return [ending.rpartition(".")[2] for known in FORMATS for ending in known.endings]


def find_format(path: Path, original_name: str, limits: Limits = DEFAULT_LIMITS) -> FileFormat:
    """The format of a file; raises BadFile if none fits, or its ending belongs to another."""
    return recognise_format(SourceFile(path, original_name, limits), FORMATS)


def preview(
    path: Path, original_name: str, limits: Limits = DEFAULT_LIMITS, sheet: str | None = None
) -> Preview:
    """Read the first rows of a file (all of a .mat) and propose a mapping.

    Raises BadFile when the file cannot be used, saying what to change.
    """
    source = SourceFile(path, original_name, limits)
    found = recognise_format(source, FORMATS)
    with _readable(original_name):
        return found.preview(source, sheet)


def read_table(
    path: Path,
    original_name: str,
    mapping: ColumnMapping,
    limits: Limits = DEFAULT_LIMITS,
    on_progress: Progress = no_progress,
) -> pd.DataFrame:
    """Read the mapped columns into the raw frame described in `core.ingest.formats.collect`.

    Raises BadFile for the file and InvalidInput for a mapping that does not fit it.
    """
    source = SourceFile(path, original_name, limits)
    found = recognise_format(source, FORMATS)
    with _readable(original_name):
        return found.read(source, mapping, on_progress)


@contextmanager
def _readable(original_name: str) -> Iterator[None]:
    """Turn what the standard library raises on broken archives and text into BadFile."""
    try:
        yield
    except (BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadFile(
            f"{original_name} is damaged or cut off. Copy or pack it again, and upload it anew."
        ) from error
