"""Files of delimited text: one table, packed or not."""

import gzip
import io
from collections.abc import Collection
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Literal, cast

from core.ingest.formats import csv_table
from core.ingest.formats.file_format import READING, FileFormat, SourceFile
from core.ingest.formats.text_encoding import open_text
from core.ingest.formats.zip_archive import stem_of
from core.ingest.limits import BoundedStream, Progress
from core.ingest.table import FileTables

Packing = Literal["none", "gzip"]


def _read(
    packing: Packing,
    source: SourceFile,
    wanted: Collection[str] | None,
    _sheets: Collection[str] | None,
    on_progress: Progress,
) -> FileTables:
    packed_bytes = source.path.stat().st_size
    with ExitStack() as stack:
        raw: list[IO[bytes]] = []

        def open_stream() -> io.RawIOBase:
            raw.append(stack.enter_context(source.path.open("rb")))
            stream: IO[bytes] = raw[-1]
            if packing == "gzip":
                stream = cast("IO[bytes]", stack.enter_context(gzip.open(raw[-1], "rb")))
            return BoundedStream(stream, packed_bytes, source.limits)

        text, encoding = open_text(open_stream)
        table = csv_table.read_text(
            text,
            source.name,
            stem_of(source.name),
            source.limits,
            wanted,
            lambda: on_progress(min(raw[-1].tell() / max(packed_bytes, 1), 1.0), READING),
        )
    label = "CSV table" if packing == "none" else "CSV table (gzip)"
    return FileTables(label, "text", (table,), encoding)


def _is_gzip(_path: Path, start: bytes) -> bool:
    return start.startswith(b"\x1f\x8b")


def _is_anything(_path: Path, _start: bytes) -> bool:
    return True


CSV_GZ = FileFormat("gzip", (".csv.gz", ".gz"), _is_gzip, partial(_read, "gzip"))
# What is of no other format; the first lines show whether it is text at all.
CSV = FileFormat("plain text", (".csv", ".tsv", ".txt"), _is_anything, partial(_read, "none"))
