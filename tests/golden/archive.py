"""Packs a data folder as a golden installation: small, of no particular machine, of the past."""

import sqlite3
import zipfile
from datetime import datetime
from pathlib import Path

# In place of the name of the machine that made it: no process will ever answer under it.
HOST = "golden.invalid"
# What happened last happened then, so that it is past on whatever clock.
NEWEST = datetime(2025, 6, 1, 12)
DATABASE = "fadebench.db"
# Nobody's belongings: what processes printed, locks, and the key of the cookies.
LEFT_OUT = ("logs/", ".lock", "cookie_secret", "-wal", "-shm")


def pack(folder: Path, target: Path) -> None:
    """Write the database and the files below the folder into a ZIP archive."""
    database = sqlite3.connect(folder / DATABASE, isolation_level=None)
    _forget_machine(database)
    _move_into_past(database)
    database.execute("PRAGMA journal_mode=DELETE")
    database.execute("VACUUM")
    database.close()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not any(part in name for part in LEFT_OUT):
                archive.write(path, name)


def _forget_machine(database: sqlite3.Connection) -> None:
    database.execute("UPDATE background_task SET host = ? WHERE host IS NOT NULL", (HOST,))


def _move_into_past(database: sqlite3.Connection) -> None:
    """Shift every time by the same number of seconds, and the one that groups of twins carry."""
    columns = [
        (table, name)
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for _, name, kind, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall()
        if kind == "DATETIME"
    ]
    (newest,) = database.execute("SELECT max(created_at) FROM background_task").fetchone()
    shift = datetime.fromisoformat(newest) - NEWEST
    for table, name in columns:
        for row, text in database.execute(f'SELECT rowid, {name} FROM "{table}"').fetchall():
            if text is not None:
                moved = datetime.fromisoformat(text) - shift
                stored = moved.isoformat(" ", "microseconds")
                database.execute(f'UPDATE "{table}" SET {name} = ? WHERE rowid = ?', (stored, row))
    groups = database.execute("SELECT id, group_key FROM training_job WHERE group_key IS NOT NULL")
    for row, key in groups.fetchall():
        start, _, text = key.rpartition("-")
        moved = datetime.strptime(text, "%Y%m%d%H%M%S") - shift
        moved_key = f"{start}-{moved:%Y%m%d%H%M%S}"
        database.execute("UPDATE training_job SET group_key = ? WHERE id = ?", (moved_key, row))
