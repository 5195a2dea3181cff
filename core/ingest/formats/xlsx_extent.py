"""What a worksheet really uses, read from its XML: the reader of cells allocates a rectangle."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from xml.etree.ElementTree import ParseError
from zipfile import ZipFile

from defusedxml.ElementTree import fromstring

from core.base.errors import BadFile

_CHUNK_BYTES = 1 << 22
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br\s*=\s*["\']([A-Z]{1,3})(\d{1,7})["\']')
# Cells may name no place of their own: they then stand in the row that is named last.
_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br\s*=\s*["\'](\d{1,7})["\']')
# A formula whose result the workbook does not hold, as programs that cannot calculate write it.
_FORMULA = re.compile(
    rb'<(?:\w+:)?c\b[^>]*?\br\s*=\s*["\']([A-Z]{1,3}\d{1,7})["\'][^>]*>\s*<(?:\w+:)?f\b'
    rb"(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?"
    rb"\s*</(?:\w+:)?c>"
)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True)
class Extent:
    """The used part of a sheet: its last column and row, and formulas without a result."""

    n_columns: int
    n_rows: int
    formulas_without_result: tuple[str, ...]


def sheet_paths(archive: ZipFile) -> dict[str, str]:
    """Path in the archive of each sheet, by name."""
    try:
        book = fromstring(archive.read("xl/workbook.xml"))
        relations = fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except (KeyError, ParseError, ValueError) as error:
        raise damaged() from error
    targets = {item.get("Id"): item.get("Target") or "" for item in relations}
    found: dict[str, str] = {}
    for item in book.iter():
        if item.tag.rpartition("}")[2] == "sheet":
            target = targets.get(item.get(_RELATION), "")
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            found[str(item.get("name"))] = path
    return found


def extent_of(stream: IO[bytes]) -> Extent:
    """Scan a sheet's XML; raises BadFile for XML that would be read wrongly."""
    n_columns = n_rows = 0
    formulas: list[str] = []
    for position, piece in enumerate(_pieces(stream)):
        if position == 0:
            _check_start(piece)
        for match in _CELL.finditer(piece):
            n_columns = max(n_columns, _column_number(match[1]))
            n_rows = max(n_rows, int(match[2]))
        n_rows = max([n_rows, *(int(match[1]) for match in _ROW.finditer(piece))])
        if len(formulas) < 3:
            formulas += [match[1].decode() for match in _FORMULA.finditer(piece)]
    return Extent(n_columns, n_rows, tuple(formulas[:3]))


def damaged() -> BadFile:
    """The error for a workbook that cannot be read."""
    return BadFile(
        "The workbook is damaged or of an unknown kind. Open it in a spreadsheet and save it "
        "again as .xlsx, or as CSV."
    )


def _check_start(piece: bytes) -> None:
    """Refuse declared entities, whose cells would be read as blank, and XML in wide characters."""
    if b"<!DOCTYPE" in piece or piece.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in piece[:64]:
        raise damaged()


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """The XML in pieces that end between cells."""
    rest = b""
    while chunk := stream.read(_CHUNK_BYTES):
        piece = rest + chunk
        cut = piece.rfind(b"</")
        cut = piece.rfind(b"<row", 0, cut) if b"<row" in piece else cut
        if cut <= 0:
            rest = piece[-_CHUNK_BYTES:]
            continue
        yield piece[:cut]
        rest = piece[cut:]
    yield rest


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number
