"""Numeric arrays of a MATLAB v5 file, read with every length checked.

scipy's reader is not used, because damaged files make it crash the whole process, and files are
read in the web process, too (see test_read_mat).
"""

import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from core.base.errors import BadFile
from core.ingest.limits import Limits, check_unpacked_size

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
_COMPLEX_FLAG = 0x08
_NUMERIC_CLASSES = range(6, 16)
_NUMBER_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}


def read_arrays(path: Path, names: Collection[str] | None, limits: Limits) -> dict[str, np.ndarray]:
    """Read the named two-dimensional variables as float64; missing ones are left out.

    Without names, every variable that is a table of real numbers is read.

    Raises BadFile for damage, for more content than `limits` allow, and for a named variable
    that is no table of real numbers.
    """
    arrays: dict[str, np.ndarray] = {}
    for content, order in variables(path, limits):
        name, values = MatrixReader(content, order).read(names)
        if values is not None:
            arrays[name] = values
    return arrays


def damaged() -> BadFile:
    """The error for a damaged file."""
    return BadFile("The .mat file is damaged or cut off. Copy or export it again.")


def variables(path: Path, limits: Limits) -> Iterator[tuple[memoryview, str]]:
    """Yield content and byte order of every variable, inflated within the limits."""
    packed = path.stat().st_size
    unpacked = 0
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        order = ">" if header[126:128] == b"MI" else "<"
        if len(header) < _HEADER_BYTES:
            raise damaged()
        while tag := file.read(8):
            if len(tag) < 8:
                raise damaged()
            kind, size = struct.unpack(order + "II", tag)
            if file.tell() + size > packed:
                raise damaged()
            if kind == _COMPRESSED:
                content = _inflate(file, size, packed, unpacked, limits)
                kind, inner = struct.unpack(order + "II", content[:8])
                content = content[8 : 8 + inner]
            else:
                content = memoryview(file.read(size))
            unpacked += len(content)
            check_unpacked_size(unpacked, packed, limits)
            if kind == _MATRIX:
                yield content, order


def _inflate(file: IO[bytes], size: int, packed: int, unpacked: int, limits: Limits) -> memoryview:
    """Inflate one element in pieces, so that too large a content is noticed early."""
    engine = zlib.decompressobj()
    content = bytearray()
    left = size
    while left > 0:
        piece = file.read(min(left, 1 << 16))
        left -= len(piece)
        while piece:
            try:
                content += engine.decompress(piece, 1 << 20)
            except zlib.error as error:
                raise damaged() from error
            piece = engine.unconsumed_tail
            check_unpacked_size(unpacked + len(content), packed, limits)
    if not engine.eof or len(content) < 8:
        raise damaged()
    return memoryview(content)


class MatrixReader:
    """One matrix, element by element: its flags, dimensions, name and content, in that order."""

    def __init__(self, content: memoryview, order: str) -> None:
        self._content = content
        self._order = order
        self._position = 0

    def read(self, names: Collection[str] | None) -> tuple[str, np.ndarray | None]:
        """The variable's name, and its values if it is one of `names`."""
        kind, is_complex, shape, name = self.head()
        if names is not None and name not in names:
            return name, None
        if kind not in _NUMERIC_CLASSES or is_complex:
            if names is None:
                return name, None
            raise BadFile(f"The variable {name!r} of the .mat file is not a table of numbers.")
        if names is None and len(shape) != 2:
            return name, None
        return name, self.numbers(shape)

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands here, as in fields that were never set."""
        return len(self._content) == 0

    @property
    def utf16(self) -> str:
        """Python's name of UTF-16 in the file's byte order."""
        return "utf-16-be" if self._order == ">" else "utf-16-le"

    def head(self) -> tuple[int, bool, tuple[int, ...], str]:
        """MATLAB's class, whether it is complex, the shape and the name."""
        _kind, flags = self.element()
        _kind, dimensions = self.element()
        _kind, name_bytes = self.element()
        if len(flags) < 8 or len(dimensions) % 4:
            raise damaged()
        (flag_word,) = struct.unpack(self._order + "I", flags[:4])
        shape = struct.unpack(f"{self._order}{len(dimensions) // 4}i", dimensions)
        name = bytes(name_bytes).decode("ascii", "replace").rstrip("\0")
        return flag_word & 0xFF, bool(flag_word >> 8 & _COMPLEX_FLAG), shape, name

    def field_names(self) -> list[str]:
        """Names of a struct's fields, which follow its head."""
        _kind, length_bytes = self.element()
        _kind, names = self.element()
        if len(length_bytes) != 4:
            raise damaged()
        (length,) = struct.unpack(self._order + "i", length_bytes)
        if not 0 < length <= 64 or len(names) % length:
            raise damaged()
        pieces = (bytes(names[at : at + length]) for at in range(0, len(names), length))
        return [piece.partition(b"\0")[0].decode("ascii", "replace") for piece in pieces]

    def matrix(self) -> "MatrixReader":
        """The next element, which must be a matrix itself."""
        kind, content = self.element()
        if kind != _MATRIX:
            raise damaged()
        return MatrixReader(content, self._order)

    def numbers(self, shape: tuple[int, ...]) -> np.ndarray:
        """The numbers of a table as float64."""
        kind, data = self.element()
        if kind not in _NUMBER_TYPES or len(shape) != 2 or min(shape) < 0:
            raise damaged()
        stored = np.dtype(self._order + _NUMBER_TYPES[kind])
        if len(data) != shape[0] * shape[1] * stored.itemsize:
            raise damaged()
        # Widened at once: in the file's uint8 and uint16, sums and differences overflow.
        return np.frombuffer(data, stored).astype(np.float64).reshape(shape, order="F")

    def element(self) -> tuple[int, memoryview]:
        """Type and content of the next element, which starts at a multiple of 8 bytes."""
        start = self._position
        if start + 8 > len(self._content):
            raise damaged()
        kind, size = struct.unpack(self._order + "II", self._content[start : start + 8])
        start += 8
        if kind >> 16:
            # Up to four bytes lie in the tag itself.
            kind, size, start = kind & 0xFFFF, kind >> 16, start - 4
            self._position = start + 4
            if size > 4:
                raise damaged()
        else:
            self._position = start + size + -size % 8
        if start + size > len(self._content):
            raise damaged()
        return kind, self._content[start : start + size]
