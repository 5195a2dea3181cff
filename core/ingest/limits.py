"""Limits on the unpacked size of an uploaded file, and a stream that enforces them."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from core.base.errors import BadFile

Progress = Callable[[float, str], None]

# Below this unpacked size, the ratio of compression does not matter.
HARMLESS_BYTES = 10_000_000


@dataclass(frozen=True)
class Limits:
    """Upper bounds for one uploaded file; `max_ratio` is unpacked over packed size."""

    max_decompressed_bytes: int = 2_000_000_000
    max_ratio: float = 200.0
    max_batteries: int = 5_000
    max_rows: int = 5_000_000
    max_columns: int = 2_000
    max_cells: int = 50_000_000


DEFAULT_LIMITS = Limits()


def no_progress(_share: float, _stage: str) -> None:
    """Ignore progress, for callers that do not show it."""


def check_unpacked_size(unpacked_bytes: int, packed_bytes: int, limits: Limits) -> None:
    """Raise BadFile when a file unpacks to more than `limits` allow."""
    if unpacked_bytes > limits.max_decompressed_bytes:
        raise BadFile(
            f"The file unpacks to more than {limits.max_decompressed_bytes / 1e6:,.0f} MB. "
            "Split it into smaller files, or leave out columns that are not needed."
        )
    if unpacked_bytes > max(HARMLESS_BYTES, limits.max_ratio * max(packed_bytes, 1)):
        raise BadFile(
            f"The file unpacks to more than {limits.max_ratio:,.0f} times its size, as archives "
            "made to exhaust memory do. Upload it without compression."
        )


class BoundedStream(io.RawIOBase):
    """Read-only byte stream that counts the bytes read and raises BadFile beyond the limits.

    `already_read` carries the count over from earlier members of the same archive.
    """

    def __init__(
        self, source: IO[bytes], packed_bytes: int, limits: Limits, already_read: int = 0
    ) -> None:
        super().__init__()
        self._source = source
        self._packed_bytes = packed_bytes
        self._limits = limits
        self.bytes_read = already_read

    def readable(self) -> bool:
        """Say that this stream can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` and check the limits; returns the number of bytes."""
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        self.bytes_read += len(data)
        check_unpacked_size(self.bytes_read, self._packed_bytes, self._limits)
        return len(data)
