"""The manifest: the list of what an archive contains, with sizes and hashes to check it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.backups.values import Kind

MANIFEST_NAME = "manifest.json"
FORMAT = "FadeBench backup"
FORMAT_VERSION = 1


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableEntry(_Entry):
    """A table: its rows are one JSON array a line, values in the order of the columns."""

    name: str
    columns: tuple[tuple[str, Kind], ...]
    rows: int
    # The highest id ever given; None where the database does not number the rows.
    last_id: int | None
    bytes: int
    sha256: str

    @property
    def member(self) -> str:
        """Name in the archive."""
        return f"tables/{self.name}.jsonl"


class FileEntry(_Entry):
    """A file of a user; `path` is the one that core.base.storage knows it by."""

    path: str
    bytes: int
    sha256: str

    @property
    def member(self) -> str:
        """Name in the archive."""
        return f"files/{self.path}"


class Manifest(_Entry):
    """The contents of an archive.

    revision : of the migrations, at which the tables were read
    vanished : files whose rows were deleted while the backup was made
    missing : files that rows name, but that were not there
    """

    format: Literal["FadeBench backup"]
    format_version: int
    product_version: str
    revision: str
    made_at: datetime
    dialect: str
    tables: tuple[TableEntry, ...]
    files: tuple[FileEntry, ...]
    vanished: tuple[str, ...]
    missing: tuple[str, ...]

    def entries(self) -> tuple[TableEntry | FileEntry, ...]:
        """Everything beside the manifest itself."""
        return (*self.tables, *self.files)
