"""Tells the format of a file by its content; the ending of its name must agree."""

import mmap
import struct
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
        if candidate is formats[-1]:
            # It takes what no other knows, and must not take JSON for a table of text.
            _refuse_json(source, start)
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
    if start.startswith(b"PAR1") and not source.name.lower().endswith(".parquet"):
        raise BadFile("This is a Parquet file. Give its name the ending .parquet and try again.")
    if _is_pickle(source, start):
        raise BadFile(
            "This is a Python pickle, which can run code when it is opened. Save the table as "
            "Parquet or CSV instead."
        )
    if start.startswith(b"\x93NUMPY"):
        raise BadFile("This is a NumPy file (.npy). Save the table as CSV, with column names.")
    if source.name.lower().endswith(".mat") and _is_mat4(start):
        raise BadFile(
            "This is a MATLAB version 4 file. Save it in MATLAB with save(name, ..., '-v7') and "
            "try again, or export it as CSV."
        )
    if source.name.lower().endswith(".xlsm"):
        raise BadFile("The workbook may hold macros (.xlsm). Save it as .xlsx or CSV.")
    if start.startswith(_OTHER_PACKERS):
        raise BadFile(f"This kind of archive cannot be read. FadeBench reads {accepted} files.")


def _refuse_json(source: SourceFile, start: bytes) -> None:
    if source.name.lower().endswith((".json", ".jsonl")) or _is_json(start):
        raise BadFile("This is a JSON file. Export the data as a table: CSV, .xlsx or .parquet.")


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


def _is_pickle(source: SourceFile, start: bytes) -> bool:
    ending = source.name.lower().endswith((".pkl", ".pickle", ".p", ".joblib"))
    return ending or (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05")


def _is_json(start: bytes) -> bool:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    return text[:1] == b"{" or text[:2] in (b"[{", b"[[", b"[\n", b"[\r")


def _is_mat4(start: bytes) -> bool:
    """Whether a file begins with the five integers of a version 4 matrix."""
    if len(start) < 20:
        return False
    kind, rows, columns, imaginary, name_length = struct.unpack("<5i", start[:20])
    return (
        0 <= kind < 60
        and rows >= 0
        and columns >= 0
        and imaginary in (0, 1)
        and 0 < name_length < 64
    )


def _contains(path: Path, needle: bytes) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(needle) >= 0
