"""ZIP archives of tables: text files and workbooks, each a table of its own."""

import io
import shutil
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from core.ingest.formats import csv_table, xlsx_table, zip_archive
from core.ingest.formats.file_format import READING, FileFormat, SourceFile
from core.ingest.formats.text_encoding import open_text
from core.ingest.limits import BoundedStream, Progress, no_progress
from core.ingest.table import FileTables, Table


def _read(
    source: SourceFile,
    wanted: Collection[str] | None,
    _sheets: Collection[str] | None,
    on_progress: Progress,
) -> FileTables:
    packed_bytes = source.path.stat().st_size
    with ZipFile(source.path) as archive:
        members, left_out = zip_archive.table_members(archive, packed_bytes, source.limits)
        codes = zip_archive.battery_codes(members)
        total = sum(member.compress_size for member in members) or 1
        tables: list[Table] = []
        encodings: set[str] = set()
        done = 0
        for member, code in zip(members, codes, strict=True):
            found, encoding = _member(archive, member, code, source, wanted)
            tables += found
            encodings.add(encoding)
            done += member.compress_size
            on_progress(done / total, READING)
    noun = "workbooks" if members[0].filename.lower().endswith(".xlsx") else "CSV files"
    label = f"ZIP of {len(members)} {noun}" if len(members) > 1 else "ZIP, one table"
    notes = (f"Left out of the archive: {', '.join(left_out[:5])}.",) if left_out else ()
    encoding = " and ".join(sorted(encodings - {""}))
    return FileTables(label, "files", tuple(tables), encoding, notes)


def _member(
    archive: ZipFile,
    member: ZipInfo,
    code: str,
    source: SourceFile,
    wanted: Collection[str] | None,
) -> tuple[list[Table], str]:
    if member.filename.lower().endswith(".xlsx"):
        return list(_workbook(archive, member, code, source, wanted)), ""
    packed_bytes = source.path.stat().st_size

    def open_stream() -> io.RawIOBase:
        return BoundedStream(archive.open(member), packed_bytes, source.limits)

    text, encoding = open_text(open_stream)
    with text:
        table = csv_table.read_text(
            text, member.filename, code, source.limits, wanted, lambda: None
        )
    return [table], encoding


def _workbook(
    archive: ZipFile,
    member: ZipInfo,
    code: str,
    source: SourceFile,
    wanted: Collection[str] | None,
) -> Iterator[Table]:
    """The sheets of a packed workbook; a single one is called by the workbook's name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workbook.xlsx"
        with archive.open(member) as packed, path.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        inner = SourceFile(path, member.filename, source.limits)
        found = xlsx_table.read_workbook(inner, wanted, None, no_progress).tables
    for table in found:
        own = code if len(found) == 1 else f"{code} {table.battery_code}"
        yield replace(table, name=f"{member.filename}, {table.name}", battery_code=own)


def _fits(path: Path, start: bytes) -> bool:
    return zip_archive.is_zip(start) and not zip_archive.is_workbook(path)


ZIP = FileFormat("ZIP", (".zip",), _fits, _read)
