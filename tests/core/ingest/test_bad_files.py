"""Files that cannot be used end in one clear sentence, and none of them does harm."""

import gzip
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from core.base.errors import BadFile, InvalidInput
from core.ingest.formats.readers import preview
from core.ingest.limits import Limits
from core.ingest.mapping import ColumnMapping, FeatureColumn
from tests.core.ingest.files import TIDY, TIDY_CSV, read_table, write, write_xlsx, write_zip

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
ENCRYPTED = OLE + "EncryptedPackage".encode("utf-16-le")
V73 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64" + bytes(600)
WORKBOOK = {"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "<workbook/>"}


def _zip(members: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b" \n \n", "empty"),
        ("a.csv", b",,\n,,\n", "holds numbers|no rows|empty"),
        ("a.csv", b"cell,cycle,capacity\n", "no rows"),
        ("a.csv", b"1,2\n3,4\n", "column names"),
        ("a.csv", b"a,b\nx,y\n", "No column holds numbers"),
        ("a.csv", "a,b\nx,y\n".encode("utf-16"), "No column holds numbers"),
        ("a.csv", bytes(range(256)) * 20, "not a text table"),
        ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(64), "not a text table"),
        ("a.csv", b'a,b\n1,"' + b"x" * 200_000, "quote|million"),
        ("a.csv", OLE, r"\.xls"),
        ("a.csv", b"a" * 2_000_000, "field larger"),
        ("a.csv.gz", gzip.compress(TIDY_CSV.encode() * 500, mtime=0)[:200], "damaged or cut off"),
        ("a.csv.gz", gzip.compress(b"PK\x03\x04" + bytes(99), mtime=0), "not a text table"),
        ("a.csv.gz", TIDY_CSV.encode(), "content is plain text"),
        ("a.xlsx", TIDY_CSV.encode(), "content is plain text"),
        ("a.xlsx", ENCRYPTED, "encrypted"),
        ("a.xls", OLE, "old Excel"),
        ("a.xlsm", _zip(WORKBOOK), "macros"),
        ("a.xlsx", _zip({**WORKBOOK, "xl/vbaProject.bin": "x"}), "macros"),
        ("a.xlsx", _zip(WORKBOOK), "damaged or of an unknown kind"),
        ("a.docx", _zip({"[Content_Types].xml": "", "word/document.xml": ""}), "document"),
        ("a.xlsx", _zip({"a.csv": TIDY_CSV}), "content is ZIP"),
        ("a.zip", _zip({"a.csv": TIDY_CSV})[:-30], "damaged or cut off"),
        ("a.zip", _zip({}), "no CSV"),
        ("a.zip", _zip({"a.pdf": "x"}), "no CSV"),
        ("a.zip", _zip({"a.csv": ""}), "empty"),
        ("a.zip", _zip({"a.csv": TIDY_CSV, "b.zip": "x"}), "another packed file"),
        ("a.zip", _zip({"a.csv": _zip({"b.csv": "x"})}), "not a text table"),
        ("a.zip", _zip({"../a.csv": TIDY_CSV}), "unsafe path"),
        ("a.zip", _zip({"/etc/a.csv": TIDY_CSV}), "unsafe path"),
        ("a.zip", _zip({"C:/a.csv": TIDY_CSV}), "unsafe path"),
        ("a.zip", _zip({"x\\..\\..\\a.csv": TIDY_CSV}), "unsafe path"),
        ("a.mat", V73, "v7.3"),
        ("a.mat", b"\x89HDF\r\n\x1a\n" + bytes(64), "v7.3"),
        ("a.mat", TIDY_CSV.encode(), "content is plain text"),
        ("a.7z", b"7z\xbc\xaf'\x1c" + bytes(64), "archive cannot be read"),
        ("a.exe", b"MZ" + bytes(64), "cannot be read"),
        ("noending", TIDY_CSV.encode(), "no ending"),
    ],
)
def test_one_clear_sentence(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    path = write(tmp_path / "stored", content)
    with pytest.raises(BadFile, match=words):
        preview(path, name)
    with pytest.raises(InvalidInput):
        read_table(path, name, TIDY)


def _symlink(archive: zipfile.ZipFile) -> None:
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(link, "/etc/passwd")


def _unusual_compression(archive: zipfile.ZipFile) -> None:
    archive.writestr("a.csv", TIDY_CSV, zipfile.ZIP_BZIP2)


@pytest.mark.parametrize(("fill", "words"), [(_symlink, "link"), (_unusual_compression, "unusual")])
def test_odd_members(fill: Callable[[zipfile.ZipFile], None], words: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        fill(archive)
    with pytest.raises(BadFile, match=words):
        preview(tmp_path / "z.zip", "z.zip")


def test_encrypted_archive(tmp_path: Path) -> None:
    content = bytearray(_zip({"a.csv": TIDY_CSV}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BadFile, match="encrypted"):
        preview(write(tmp_path / "z.zip", bytes(content)), "z.zip")


def test_damage_inside_a_member(tmp_path: Path) -> None:
    content = bytearray(_zip({"a.csv": TIDY_CSV * 300}))
    content[60:80] = bytes(20)
    path = write(tmp_path / "z.zip", bytes(content))
    with pytest.raises(BadFile, match="damaged"):
        read_table(path, "z.zip", TIDY)


@pytest.mark.parametrize("kind", ["zip", "gz", "xlsx", "mat"])
def test_bomb_is_refused_by_its_ratio(kind: str, tmp_path: Path) -> None:
    zeros = b"a,b\n" + (b"0," + b"0" * 9_000 + b"\n") * 2_500
    path = tmp_path / f"bomb.{kind}"
    if kind == "zip":
        write_zip(path, {"a.csv": zeros})
    elif kind == "gz":
        write(path, gzip.compress(zeros, mtime=0))
    elif kind == "xlsx":
        write_zip(path, {**WORKBOOK, "xl/worksheets/sheet1.xml": zeros})
    else:
        packed = zlib.compress(bytes(20_000_000))
        header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
        write(path, header + struct.pack("<II", 15, len(packed)) + packed)
    mapping = ColumnMapping(features=(FeatureColumn("a", "", "a"),))
    name = "bomb.csv.gz" if kind == "gz" else path.name
    with pytest.raises(BadFile, match="times its size"):
        read_table(path, name, mapping)


def test_size_is_counted_while_reading(tmp_path: Path) -> None:
    path = write(
        tmp_path / "t.csv.gz", gzip.compress((TIDY_CSV + "b,3,1.0,30\n" * 200_000).encode())
    )
    with pytest.raises(BadFile, match="more than 1 MB"):
        read_table(path, "t.csv.gz", TIDY, Limits(max_decompressed_bytes=1_000_000))


def test_too_many_rows_and_batteries(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", TIDY_CSV)
    with pytest.raises(BadFile, match="more than 4 rows"):
        read_table(path, "t.csv", TIDY, Limits(max_rows=4))
    with pytest.raises(BadFile, match="more than 1 batteries"):
        read_table(path, "t.csv", TIDY, Limits(max_batteries=1))


def test_battery_code_that_is_too_long(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", TIDY_CSV.replace("a,1,", "a" * 65 + ",1,"))
    with pytest.raises(BadFile, match="longer than 64"):
        read_table(path, "t.csv", TIDY)


def test_entities_of_a_workbook_are_not_expanded(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "w.xlsx", {"S": [["a", "b"], [1, 2]]})
    with zipfile.ZipFile(path) as archive:
        members: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    sheet = bytes(members["xl/worksheets/sheet1.xml"])  # type: ignore[arg-type]
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>' + sheet
    members["xl/worksheets/sheet1.xml"] = bomb.replace(b"<v>1</v>", b"<v>&b;</v>")
    with pytest.raises(BadFile, match="damaged or of an unknown kind"):
        preview(write_zip(path, members), "w.xlsx")
