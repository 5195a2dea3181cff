"""Tells the format of a file by its content; the ending of its name must agree."""

import mmap
from collections.abc import Sequence
from pathlib import Path

from core.base.errors import BadFile
from core.ingest.formats.file_format import FileFormat, SourceFile

_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_UTF16_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OTHER_PACKERS = (b"7z\xbc\xaf'\x1c", b"Rar!", b"\xfd7zXZ\x00", b"BZh", b"\x28\xb5\x2f\xfd")


def recognise_format(source: SourceFile, formats: Sequence[FileFormat]) -> FileFormat:
    """The first format that fits a file; raises BadFile if its ending belongs to another."""
    with source.path.open("rb") as file:
        start = file.read(1024)
    if not start.strip():
        raise BadFile("The file is empty. Upload a file with column names and rows.")
    _refuse_known_misfits(source, start, list_endings(formats))
    for candidate in formats:
        if candidate.fits(source.path, start):
            _check_ending(source, candidate, formats)
            return candidate
    raise BadFile(f"This file cannot be read. FadeBench reads {list_endings(formats)} files.")


def list_endings(formats: Sequence[FileFormat]) -> str:
    """The usual endings in words: ".a, .b and .c"."""
    usual = [known.endings[0] for known in formats]
    return ", ".join(usual[:-1]) + f" and {usual[-1]}"


def _refuse_known_misfits(source: SourceFile, start: bytes, accepted: str) -> None:
    if start.startswith(_OLE_MAGIC):
        if _contains(source.path, _UTF16_ENCRYPTED):
            raise BadFile("The workbook is encrypted. Save it without a password and try again.")
        raise BadFile("This is an old Excel file (.xls). Save it as .xlsx or CSV and try again.")
    if start.startswith((b"MATLAB 7.3 MAT-file", _HDF5_MAGIC)):
        raise BadFile(
            "This is a MATLAB v7.3 (HDF5) file. Save it in MATLAB with "
            "save(name, ..., '-v7') and try again, or export it as CSV."
        )
    if source.name.lower().endswith(".xlsm"):
        raise BadFile("The workbook may hold macros (.xlsm). Save it as .xlsx or CSV.")
    if start.startswith(_OTHER_PACKERS):
        raise BadFile(f"This kind of archive cannot be read. FadeBench reads {accepted} files.")


def _check_ending(source: SourceFile, found: FileFormat, formats: Sequence[FileFormat]) -> None:
    name, suffix = source.name.lower(), Path(source.name).suffix.lower()
    if name.endswith(found.endings):
        return
    accepted = list_endings(formats)
    if not suffix:
        raise BadFile(f"The file name has no ending. FadeBench reads {accepted} files.")
    if not any(name.endswith(known.endings) for known in formats):
        raise BadFile(f"Files ending in {suffix[:10]!r} cannot be read: use {accepted}.")
    raise BadFile(
        f"The file name ends in {suffix!r}, but its content is {found.content}. It may be cut off "
        f"or wrongly named; use the ending {found.endings[0]!r} if the content is right."
    )


def _contains(path: Path, needle: bytes) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(needle) >= 0
