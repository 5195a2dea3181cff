"""The databases' counters of ids, so that a restore never gives the id of a deleted row again."""

from sqlalchemy import Connection, func, select, text

from core.backups.tables import TableShape


def last_id(connection: Connection, shape: TableShape) -> int:
    """Return the highest id that the database ever gave to a row of the table; 0 if none."""
    table, (key,) = shape.to_read(), shape.key
    highest = connection.scalar(select(func.max(table.c[key]))) or 0
    return max(int(highest), _counted(connection, shape.name, key))


def set_last_id(connection: Connection, shape: TableShape, value: int) -> None:
    """Make the next row of the table get an id above `value`.

    On MySQL this commits the open transaction.
    """
    (key,) = shape.key
    name = connection.dialect.identifier_preparer.quote(shape.name)
    if connection.dialect.name == "postgresql":
        statement = text("SELECT setval(pg_get_serial_sequence(:name, :key), :last, :given)")
        values = {"name": name, "key": key, "last": max(value, 1), "given": value > 0}
        connection.execute(statement, values)
    elif connection.dialect.name == "sqlite":
        connection.execute(
            text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": shape.name}
        )
        connection.execute(
            text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"),
            {"name": shape.name, "last": value},
        )
    else:
        connection.exec_driver_sql(f"ALTER TABLE {name} AUTO_INCREMENT = {value + 1:d}")


def _counted(connection: Connection, name: str, key: str) -> int:
    kind = connection.dialect.name
    if kind == "sqlite":
        query, values = "SELECT seq FROM sqlite_sequence WHERE name = :name", {"name": name}
    elif kind == "postgresql":
        quoted = connection.dialect.identifier_preparer.quote(name)
        query = "SELECT pg_sequence_last_value(pg_get_serial_sequence(:name, :key)::regclass)"
        values = {"name": quoted, "key": key}
    else:
        if kind == "mysql" and not getattr(connection.dialect, "is_mariadb", False):
            # Without it MySQL answers from a cache that may be a day old.
            connection.exec_driver_sql("SET SESSION information_schema_stats_expiry = 0")
        query = (
            "SELECT auto_increment - 1 FROM information_schema.tables "
            "WHERE table_schema = database() AND table_name = :name"
        )
        values = {"name": name}
    return int(connection.scalar(text(query), values) or 0)
