"""Decodes a text table: which encoding it has is judged by its bytes, and said."""

import codecs
import io
import re
from collections.abc import Callable
from typing import IO

from core.base.errors import BadFile

_LOOK_BYTES = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", ""),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
# Both bytes of a usual Chinese character are high; a single high byte is Latin-1, as in "°C".
_HIGH_BYTES = re.compile(rb"[\x80-\xff]+")


def _latin1_bytes(error: UnicodeError) -> tuple[str, int]:
    """Decode the bytes that are not UTF-8 as Latin-1, as older instruments write "°C"."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("latin1_bytes", _latin1_bytes)


def open_text(open_stream: Callable[[], io.RawIOBase]) -> tuple[IO[str], str]:
    """A table's text and its encoding in words ("" for plain UTF-8).

    `open_stream` opens the bytes from their start; it is called twice, as the first look reads on.
    """
    encoding, words = judge(io.BufferedReader(open_stream()).read(_LOOK_BYTES))
    buffered = io.BufferedReader(open_stream(), 1 << 16)
    errors = "strict" if encoding in ("utf-16", "utf-16-le", "utf-16-be") else "latin1_bytes"
    if encoding == "gb18030":
        errors = "replace"
    return io.TextIOWrapper(buffered, encoding=encoding, errors=errors, newline=""), words


def judge(start: bytes) -> tuple[str, str]:
    """Python's name of the encoding of a text that starts so, and its name in words."""
    for mark, encoding, words in _MARKS:
        if start.startswith(mark):
            return encoding, words
    for encoding, offset in (("utf-16-le", 1), ("utf-16-be", 0)):
        high, low = start[offset:4000:2], start[1 - offset : 4000 : 2]
        # Zeros in both bytes of a character are those of a packed or binary file.
        if len(start) > 3 and high.count(0) > 0.4 * len(high) and low.count(0) == 0:
            return encoding, "UTF-16"
    if b"\0" in start[:4000]:
        raise BadFile("The file is not a text table. Save the table as CSV (UTF-8) and try again.")
    return _judge_bytes(start)


def _judge_bytes(start: bytes) -> tuple[str, str]:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        if _is_chinese(start):
            return "gb18030", "GB18030 (Chinese)"
        return "utf-8", "Latin-1"
    return "utf-8", ""


def _is_chinese(start: bytes) -> bool:
    """Whether high bytes come in pairs that are Chinese characters."""
    try:
        text = codecs.getincrementaldecoder("gb18030")().decode(start)
    except UnicodeDecodeError:
        return False
    runs = [len(run) for run in _HIGH_BYTES.findall(start)]
    paired = sum(length for length in runs if length % 2 == 0)
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in text)
    return chinese > 0 and paired >= 0.8 * sum(runs)
