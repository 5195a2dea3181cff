"""What a file format is: how it is recognised, shown and read. One module each, one entry in
`core.ingest.formats.readers.FORMATS`.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from core.ingest.limits import Limits, Progress
from core.ingest.table import FileTables

READING = "Reading the file"


@dataclass(frozen=True)
class SourceFile:
    """An uploaded file: where it lies, and what its owner called it."""

    path: Path
    name: str
    limits: Limits


@dataclass(frozen=True)
class FileFormat:
    """One format.

    content : what messages call the content of such a file
    endings : what its name may end in, the usual ending first
    fits : whether a file is of this format, by its first 1024 bytes and, if need be, the rest;
        raises BadFile for what is known to be of no use
    read : the tables of a file: (source, wanted columns or None for all, sheets or None for all,
        progress); columns and sheets that do not exist are left out
    notes, label_notes : what readers of every dataset from such a file should know, and of its
        labels
    """

    content: str
    endings: tuple[str, ...]
    fits: Callable[[Path, bytes], bool]
    read: Callable[
        [SourceFile, Collection[str] | None, Collection[str] | None, Progress], FileTables
    ]
    notes: tuple[str, ...] = ()
    label_notes: tuple[str, ...] = ()
