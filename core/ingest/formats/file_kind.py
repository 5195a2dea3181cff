"""Tells the format of a file by its first bytes; the ending of its name must agree."""

import enum
import mmap
import zipfile
from pathlib import Path

from core.base.errors import BadFile

ACCEPTED = ".mat, .csv, .csv.gz, .xlsx and .zip"
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_UTF16_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OTHER_PACKERS = (b"7z\xbc\xaf'\x1c", b"Rar!", b"\xfd7zXZ\x00", b"BZh", b"\x28\xb5\x2f\xfd")


class FileKind(enum.Enum):
    """The formats that can be read, each with the endings it may have."""

    MAT = (".mat",)
    CSV = (".csv", ".tsv", ".txt")
    CSV_GZ = (".gz",)
    XLSX = (".xlsx",)
    ZIP = (".zip",)


def detect_kind(path: Path, original_name: str) -> FileKind:
    """The kind of a file; raises BadFile if none fits, or the ending belongs to another."""
    with path.open("rb") as file:
        start = file.read(1024)
    if not start.strip():
        raise BadFile("The file is empty. Upload a file with column names and rows.")
    suffix = Path(original_name).suffix.lower()
    _refuse_known_misfits(path, start, suffix)
    if start.startswith(b"MATLAB 5.0 MAT-file"):
        kind = FileKind.MAT
    elif start.startswith(b"\x1f\x8b"):
        kind = FileKind.CSV_GZ
    elif start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        kind = _kind_of_zip(path)
    else:
        kind = FileKind.CSV
    _check_suffix(kind, suffix)
    return kind


def _refuse_known_misfits(path: Path, start: bytes, suffix: str) -> None:
    if start.startswith(_OLE_MAGIC):
        if _contains(path, _UTF16_ENCRYPTED):
            raise BadFile("The workbook is encrypted. Save it without a password and try again.")
        raise BadFile("This is an old Excel file (.xls). Save it as .xlsx or CSV and try again.")
    if start.startswith((b"MATLAB 7.3 MAT-file", _HDF5_MAGIC)):
        raise BadFile(
            "This is a MATLAB v7.3 (HDF5) file. Save it in MATLAB with "
            "save(name, ..., '-v7') and try again, or export it as CSV."
        )
    if suffix == ".xlsm":
        raise BadFile("The workbook may hold macros (.xlsm). Save it as .xlsx or CSV.")
    if start.startswith(_OTHER_PACKERS):
        raise BadFile(f"This kind of archive cannot be read. FadeBench reads {ACCEPTED} files.")


def _kind_of_zip(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.lower() for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadFile("The archive is damaged or cut off. Copy or pack it again.") from error
    if any(name.endswith("vbaproject.bin") for name in names):
        raise BadFile("The workbook holds macros. Save it as .xlsx without macros, or as CSV.")
    if "xl/workbook.xml" in names:
        return FileKind.XLSX
    if "[content_types].xml" in names or "mimetype" in names:
        raise BadFile("This kind of document cannot be read. Save the table as .xlsx or CSV.")
    return FileKind.ZIP


def _check_suffix(kind: FileKind, suffix: str) -> None:
    if suffix in kind.value:
        return
    content = kind.name.replace("CSV_GZ", "gzip").replace("CSV", "plain text")
    if not suffix:
        raise BadFile(f"The file name has no ending. FadeBench reads {ACCEPTED} files.")
    if not any(suffix in other.value for other in FileKind):
        raise BadFile(f"Files ending in {suffix[:10]!r} cannot be read: use {ACCEPTED}.")
    raise BadFile(
        f"The file name ends in {suffix!r}, but its content is {content}. It may be cut off or "
        f"wrongly named; use the ending {kind.value[0]!r} if the content is right."
    )


def _contains(path: Path, needle: bytes) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(needle) >= 0
