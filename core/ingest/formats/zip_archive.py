"""Reads ZIP archives of CSV tables; refuses archives whose content could do harm."""

import re
import stat
import zipfile
from pathlib import Path, PurePosixPath

from core.base.errors import BadFile
from core.ingest.limits import Limits, check_unpacked_size

_TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
_ARCHIVE_SUFFIXES = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".zst")
_EXTRA_MEMBERS = 1_000
# Of the ordinary and of the strong encryption; patched data cannot be read here at all.
_ENCRYPTED_FLAG, _PATCHED_FLAG = 0x41, 0x20


def is_zip(start: bytes) -> bool:
    """Whether a file that starts so is an archive, or a workbook, which is one too."""
    return start.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_workbook(path: Path) -> bool:
    """Whether an archive is a workbook; raises BadFile for macros and for other documents."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.lower() for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadFile("The archive is damaged or cut off. Copy or pack it again.") from error
    if any(name.endswith("vbaproject.bin") for name in names):
        raise BadFile("The workbook holds macros. Save it as .xlsx without macros, or as CSV.")
    if "xl/workbook.xml" in names:
        return True
    if "[content_types].xml" in names or "mimetype" in names:
        raise BadFile("This kind of document cannot be read. Save the table as .xlsx or CSV.")
    return False


def check_members(
    archive: zipfile.ZipFile, packed_bytes: int, limits: Limits
) -> list[zipfile.ZipInfo]:
    """List the files of an archive; raises BadFile if one of them could do harm."""
    members = archive.infolist()
    if len(members) > limits.max_batteries + _EXTRA_MEMBERS:
        raise BadFile(f"The archive holds {len(members):,} files. Split it into smaller ones.")
    for member in members:
        _check_path(member)
        if member.flag_bits & _ENCRYPTED_FLAG:
            raise BadFile("The archive is encrypted. Pack it again without a password.")
        ordinary = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if not ordinary or member.flag_bits & _PATCHED_FLAG:
            raise BadFile("The archive uses an unusual compression. Pack it as an ordinary ZIP.")
    check_unpacked_size(sum(member.file_size for member in members), packed_bytes, limits)
    return [member for member in members if not member.is_dir()]


def table_members(
    archive: zipfile.ZipFile, packed_bytes: int, limits: Limits
) -> tuple[list[zipfile.ZipInfo], list[str]]:
    """The tables of an archive in natural order ("cell 2" before "cell 10"), and what is none."""
    members = [m for m in check_members(archive, packed_bytes, limits) if not _is_litter(m)]
    for member in members:
        if member.filename.lower().endswith(_ARCHIVE_SUFFIXES):
            raise BadFile(
                f"The archive holds another packed file ({_shown(member.filename)}). "
                "Unpack it, and pack the tables themselves."
            )
    tables = [m for m in members if m.filename.lower().endswith(_TABLE_SUFFIXES)]
    # A .txt file beside other tables is a read-me, not a table.
    chosen = [m for m in tables if not m.filename.lower().endswith(".txt")] or tables
    if not chosen:
        raise BadFile("The archive holds no CSV file. Pack one CSV per battery, or one table.")
    left_out = [m.filename for m in members if m not in chosen]
    return sorted(chosen, key=lambda member: _natural(member.filename)), left_out


def battery_codes(members: list[zipfile.ZipInfo]) -> list[str]:
    """Battery code of each table: its file name, with the folder where names repeat."""
    paths = [PurePosixPath(member.filename) for member in members]
    stems = [path.stem for path in paths]
    if len(set(stems)) < len(stems):
        stems = [str(path.with_suffix("")) for path in paths]
    if len(set(stems)) < len(stems):
        raise BadFile("Two files of the archive have the same name. Rename one of them.")
    return stems


def stem_of(original_name: str) -> str:
    """A file's name without folders and endings, as the code of its only battery.

    Its ending is that of a format; what stands before may be one of a packed table.
    """
    name = re.split(r"[/\\]", original_name)[-1].rpartition(".")[0]
    stem = re.sub(r"(\.(csv|tsv|txt))+$", "", name, flags=re.IGNORECASE)
    return stem.strip()[:64] or "battery"


def _check_path(member: zipfile.ZipInfo) -> None:
    name = member.orig_filename.replace("\\", "/")
    unsafe = name.startswith("/") or ".." in name.split("/") or "\0" in name
    if unsafe or re.match(r"[A-Za-z]:", name):
        raise BadFile(
            f"The archive holds a file with an unsafe path ({_shown(name)}). Pack the files "
            "again from inside their folder."
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise BadFile(f"The archive holds a link ({_shown(name)}). Pack the file itself.")


def _is_litter(member: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(member.filename).parts
    return "__MACOSX" in parts or parts[-1].startswith(".")


def _natural(name: str) -> list[tuple[int, str]]:
    pieces = re.split(r"(\d+)", name.casefold())
    return [
        (int(piece) if piece.isascii() and piece.isdigit() and len(piece) < 19 else -1, piece)
        for piece in pieces
    ]


def _shown(name: str) -> str:
    return repr(name[:80])
