"""The archive: a ZIP file that is checked against its manifest before its contents are used."""

import hashlib
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pydantic import ValidationError

from core.backups.manifest import (
    FORMAT,
    FORMAT_VERSION,
    MANIFEST_NAME,
    FileEntry,
    Manifest,
    TableEntry,
)
from core.backups.values import unpack_row
from core.base.errors import BadFile

CHUNK_BYTES = 1024 * 1024
# Endings of files that are compressed already, or hardly get smaller.
PACKED = (".pt", ".xlsx", ".zip", ".gz", ".mat")
# A line of 300 bytes for each of 300,000 files.
LARGEST_MANIFEST_BYTES = 100_000_000
# Exceptions that reading a damaged ZIP file raises.
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
    OSError,
)

Report = Callable[[str, float], None]
"""Called with what is done just now, and the share done so far from 0 to 1."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class ArchiveWriter:
    """Writes members into a new archive, one after the other; the manifest comes last.

    Close it after a failure, too.
    """

    def __init__(self, target: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1)

    def add(self, member: str, chunks: Iterator[bytes]) -> tuple[int, str]:
        """Write a member chunk by chunk; returns its size in bytes and its SHA-256."""
        digest, size = hashlib.sha256(), 0
        info = zipfile.ZipInfo(member)
        packed = member.endswith(PACKED)
        info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
        with self._zip.open(info, "w", force_zip64=True) as out:
            for chunk in chunks:
                size += len(chunk)
                digest.update(chunk)
                out.write(chunk)
        return size, digest.hexdigest()

    def add_manifest(self, manifest: Manifest) -> None:
        """Write the manifest."""
        self._zip.writestr(MANIFEST_NAME, manifest.model_dump_json(indent=1))

    def close(self) -> None:
        """Finish the file: a ZIP ends with its directory."""
        self._zip.close()


class ArchiveReader:
    """An opened archive; call `verify` before its contents are used."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._zip = archive
        self.manifest = manifest

    def verify(self, report: Report) -> None:
        """Compare sizes, hashes and numbers of rows with the manifest, and decode every row.

        Rows are decoded here because MySQL cannot undo what a restore deletes before writing.

        Raises
        ------
        BadFile
            Something is missing, cut off or changed; the message names it.
        """
        entries = self.manifest.entries()
        expected = {MANIFEST_NAME, *(entry.member for entry in entries)}
        if sorted(self._zip.namelist()) != sorted(expected):
            raise _damaged("its list of contents does not fit what it contains")
        total, done = max(sum(entry.bytes for entry in entries), 1), 0
        for entry in entries:
            report(f"Checking {entry.member}", done / total)
            self._verify_entry(entry)
            if isinstance(entry, TableEntry):
                self._verify_rows(entry)
            done += entry.bytes

    def rows(self, entry: TableEntry) -> Iterator[list[Any]]:
        """Packed rows of a table, one at a time; `ValueError` where one is not a list."""
        with self._zip.open(entry.member) as stream:
            for line in stream:
                row = json.loads(line)
                if not isinstance(row, list):
                    raise ValueError("it is no list")
                yield row

    @contextmanager
    def open_file(self, entry: FileEntry) -> Iterator[BinaryIO]:
        """The content of a user's file."""
        with self._zip.open(entry.member) as stream:
            yield stream  # type: ignore[misc]

    def _verify_entry(self, entry: TableEntry | FileEntry) -> None:
        digest, size = hashlib.sha256(), 0
        try:
            with self._zip.open(entry.member) as stream:
                # Read at most what the manifest says: a forged archive must not fill the memory.
                while size <= entry.bytes and (chunk := stream.read(CHUNK_BYTES)):
                    size += len(chunk)
                    digest.update(chunk)
        except _DAMAGES as error:
            raise _damaged(f"{entry.member} cannot be read ({error})") from error
        if (size, digest.hexdigest()) != (entry.bytes, entry.sha256):
            raise _damaged(f"{entry.member} is not what was written")

    def _verify_rows(self, entry: TableEntry) -> None:
        kinds, count = [kind for _, kind in entry.columns], 0
        try:
            for row in self.rows(entry):
                unpack_row(kinds, row)
                count += 1
        except _DAMAGES as error:
            raise _damaged(f"row {count + 1} of {entry.member} cannot be read ({error})") from error
        if count != entry.rows:
            raise _damaged(f"{entry.member} has {count} rows instead of {entry.rows}")


@contextmanager
def open_archive(path: Path) -> Iterator[ArchiveReader]:
    """Open an archive and read its manifest.

    Raises
    ------
    BadFile
        The file is not a backup, is cut off, or is of a newer format.
    """
    if not path.is_file():
        raise BadFile(f"There is no file at {path}.")
    if not zipfile.is_zipfile(path):
        raise BadFile(f"{path} is not a backup, or it is cut off. Use another copy of it.")
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGES as error:
        raise _damaged(str(error)) from error
    with archive:
        yield ArchiveReader(archive, _read_manifest(archive, path))


def _read_manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        if archive.getinfo(MANIFEST_NAME).file_size > LARGEST_MANIFEST_BYTES:
            raise _damaged("its list of contents is too long")
        content = json.loads(archive.read(MANIFEST_NAME))
    except KeyError as error:
        if _begins_with_rows(path):
            # A workbook inside a cut-off archive is a ZIP file, too, and was opened instead.
            raise _damaged("it is cut off") from error
        raise BadFile("This ZIP is not a backup of FadeBench: it has no manifest.") from error
    except _DAMAGES as error:
        raise _damaged(f"its list of contents cannot be read ({error})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BadFile("This ZIP is not a backup of FadeBench: its manifest says otherwise.")
    if content.get("format_version") != FORMAT_VERSION:
        raise BadFile(
            f"This backup has format {content.get('format_version')}; this release reads format "
            f"{FORMAT_VERSION}. Restore it with the release that made it, "
            f"{content.get('product_version')}, or a later one."
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        raise _damaged("its list of contents is not complete") from error


def _begins_with_rows(path: Path) -> bool:
    """Whether the first member is a table; its name follows 30 bytes of header."""
    with path.open("rb") as stream:
        return stream.read(37)[30:] == b"tables/"


def _damaged(what: str) -> BadFile:
    return BadFile(f"The backup is damaged: {what}. Nothing was changed; use another copy of it.")
