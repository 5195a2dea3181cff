"""Everything a server knows about a schema, as lines that can be compared."""

import re
from collections.abc import Callable

from sqlalchemy import Connection, Engine, inspect, text

POSTGRES_FACTS = (
    """SELECT 'column ' || c.relname || '.' || a.attname || ' ' ||
           format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' ||
           coalesce(pg_get_expr(d.adbin, d.adrelid), '')
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
       LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
         AND a.attnum > 0 AND NOT a.attisdropped""",
    """SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' ||
           pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'",
    """SELECT 'enum ' || t.typname || ' ' || string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
       FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.typname""",
)


def describe(engine: Engine) -> list[str]:
    """Sorted lines of DDL or catalogue facts, Alembic's own table left out."""
    readers: dict[str, Callable[[Connection], list[str]]] = {
        "sqlite": _sqlite,
        "mysql": _mysql,
        "postgresql": _postgres,
    }
    with engine.connect() as connection:
        lines = readers[engine.dialect.name](connection) + _column_orders(connection)
    return sorted(line for line in lines if "alembic_version" not in line)


def _sqlite(connection: Connection) -> list[str]:
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    return [f"{name}: {item}" for name, sql in rows for item in _items(sql)]


def _items(sql: str) -> list[str]:
    """The columns and constraints of a statement, in any order: ALTER TABLE adds columns last."""
    text_only = " ".join(sql.replace('"', "").split())
    if not text_only.startswith("CREATE TABLE"):
        return [text_only]
    parts, depth = [""], 0
    for character in text_only.partition("(")[2].rpartition(")")[0]:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _mysql(connection: Connection) -> list[str]:
    lines = []
    for table in inspect(connection).get_table_names():
        sql = connection.exec_driver_sql(f"SHOW CREATE TABLE `{table}`").one()[1]
        sql = re.sub(r" AUTO_INCREMENT=\d+", "", sql)
        lines += [f"{table}: {line}" for line in _lines(sql)]
    return lines


def _postgres(connection: Connection) -> list[str]:
    return [str(line) for query in POSTGRES_FACTS for line in connection.scalars(text(query))]


def _column_orders(connection: Connection) -> list[str]:
    inspector = inspect(connection)
    return [
        f"order {table}: {[column['name'] for column in inspector.get_columns(table)]}"
        for table in inspector.get_table_names()
    ]


def _lines(sql: str) -> list[str]:
    return [line.strip().rstrip(",") for line in sql.splitlines() if line.strip(" ,\t")]
