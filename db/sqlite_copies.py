"""Copies of an SQLite database, made beside it before its tables change."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from glob import escape
from pathlib import Path

TIME_FORMAT, TIME_LENGTH = "%Y%m%dT%H%M%S%fZ", 22
COPIES_KEPT = 3


def copy_beside(database: Path, reason: str) -> Path:
    """Copy a database, which may be in use, and delete all but the last three copies.

    Parameters
    ----------
    database : the file, such as `fadebench.db`
    reason : part of the copy's name: with `0002` the copy is called
        `fadebench.before-0002.20261130T225959123456Z.db` (time in UTC)

    Returns
    -------
    Path of the copy, which is complete: SQLite's own backup also takes what is in the
    write-ahead log.

    Raises
    ------
    sqlite3.Error, OSError
        The disk is full, or the folder is not writable; nothing is left behind.
    """
    made_at = f"{datetime.now(UTC):{TIME_FORMAT}}"
    copy = database.with_name(f"{database.stem}.before-{reason}.{made_at}{database.suffix}")
    partial = copy.with_name(f".{copy.name}.partial")
    try:
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(partial)) as out:
            source.backup(out)
        partial.replace(copy)
    finally:
        partial.unlink(missing_ok=True)
    for old in list_copies(database)[:-COPIES_KEPT]:
        if old != copy:
            old.unlink()
    return copy


def list_copies(database: Path) -> list[Path]:
    """The copies of a database, oldest first."""
    found = database.parent.glob(f"{escape(database.stem)}.before-*{escape(database.suffix)}")
    # By the time in the name, which comes last before the database's own ending, if it has one.
    return sorted(found, key=lambda path: path.name.removesuffix(database.suffix)[-TIME_LENGTH:])
