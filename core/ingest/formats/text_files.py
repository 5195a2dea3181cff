"""Files of delimited text: one table, packed or not, or an archive of tables."""

import gzip
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Literal, cast
from zipfile import ZipFile

from core.ingest.formats import csv_table, zip_archive
from core.ingest.formats.file_format import READING, FileFormat, SourceFile
from core.ingest.limits import BoundedStream, Progress
from core.ingest.table import FileTables

Packing = Literal["none", "gzip", "zip"]


@dataclass(frozen=True)
class _Table:
    text: IO[str]
    name: str
    battery_code: str


class _Tables:
    """The text tables of a .csv, .csv.gz or .zip file, opened one after the other."""

    def __init__(self, source: SourceFile, packing: Packing) -> None:
        self._packing = packing
        self._path = source.path
        self._name = source.name
        self._limits = source.limits
        self._packed_bytes = source.path.stat().st_size
        self._raw: IO[bytes] | None = None
        self._members_done = 0.0
        self.n_tables = 1

    def share_read(self) -> float:
        """Share of the file read so far, 0 to 1."""
        if self._packing == "zip" or self._raw is None:
            return self._members_done
        return min(self._raw.tell() / max(self._packed_bytes, 1), 1.0)

    def open_all(self) -> Iterator[_Table]:
        """Open the tables in order."""
        if self._packing == "zip":
            yield from self._open_members()
            return
        with ExitStack() as stack:
            self._raw = stack.enter_context(self._path.open("rb"))
            source: IO[bytes] = self._raw
            if self._packing == "gzip":
                source = cast("IO[bytes]", stack.enter_context(gzip.open(self._raw, "rb")))
            stream = BoundedStream(source, self._packed_bytes, self._limits)
            code = zip_archive.stem_of(self._name)
            yield _Table(csv_table.open_text(stream), self._name, code)

    def _open_members(self) -> Iterator[_Table]:
        with ZipFile(self._path) as archive:
            members = zip_archive.csv_members(archive, self._packed_bytes, self._limits)
            codes = zip_archive.battery_codes(members)
            self.n_tables = len(members)
            total = sum(member.compress_size for member in members) or 1
            bytes_read = done = 0
            for index in range(len(members)):
                with archive.open(members[index]) as source:
                    stream = BoundedStream(source, self._packed_bytes, self._limits, bytes_read)
                    text = csv_table.open_text(stream)
                    yield _Table(text, members[index].filename, codes[index])
                    bytes_read = stream.bytes_read
                done += members[index].compress_size
                self._members_done = done / total


def _read(
    packing: Packing, source: SourceFile, wanted: Collection[str] | None, on_progress: Progress
) -> FileTables:
    tables = _Tables(source, packing)
    read = tuple(
        csv_table.read_rows(
            table.text,
            table.name,
            table.battery_code,
            source.limits,
            wanted,
            lambda: on_progress(tables.share_read(), READING),
        )
        for table in tables.open_all()
    )
    labels: dict[Packing, str] = {
        "none": "CSV table",
        "gzip": "CSV table (gzip)",
        "zip": f"ZIP of {tables.n_tables} CSV files" if tables.n_tables > 1 else "ZIP, CSV",
    }
    return FileTables(labels[packing], "files" if packing == "zip" else "text", read)


def _is_gzip(_path: Path, start: bytes) -> bool:
    return start.startswith(b"\x1f\x8b")


def _is_archive(path: Path, start: bytes) -> bool:
    return zip_archive.is_zip(start) and not zip_archive.is_workbook(path)


def _is_anything(_path: Path, _start: bytes) -> bool:
    return True


CSV_GZ = FileFormat("gzip", (".csv.gz", ".gz"), _is_gzip, partial(_read, "gzip"))
ZIP = FileFormat("ZIP", (".zip",), _is_archive, partial(_read, "zip"))
# What is of no other format; the first lines show whether it is text at all.
CSV = FileFormat(
    "plain text",
    (".csv", ".tsv", ".txt"),
    _is_anything,
    partial(_read, "none"),
)
