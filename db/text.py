"""SQL functions that search and sort text regardless of case, the same on every database."""

from typing import Any

from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class lowered(FunctionElement[str]):  # noqa: N801
    """A column's text in lower case, ordered by code point whatever the server's collation."""

    type = String()
    name = "lowered"
    inherit_cache = True


class spelled(FunctionElement[str]):  # noqa: N801
    """A choice (ENUM) as its text; MySQL and PostgreSQL would order it by declaration."""

    type = String()
    name = "spelled"
    inherit_cache = True


def contains(column: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    """Whether a column's text contains `part`; % and _ stand for themselves."""
    # No text holds a zero character, and PostgreSQL refuses to compare with one.
    wanted = part.replace("\0", "").strip()
    return lowered(column).contains(lower(wanted), autoescape=True)


def lower(text: str) -> str:
    """Lower each letter by itself, as database servers do; Python has a rule for word ends."""
    return text.lower() if text.isascii() else "".join(letter.lower() for letter in text)


@compiles(spelled)
def _as_it_is(element: Any, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(spelled, "mysql", "mariadb")
def _spelled_on_mysql(element: Any, compiler: Any, **options: Any) -> str:
    return f"(CAST({compiler.process(element.clauses, **options)} AS CHAR) COLLATE utf8mb4_bin)"


@compiles(spelled, "postgresql")
def _spelled_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f'(CAST({compiler.process(element.clauses, **options)} AS TEXT) COLLATE "C")'


@compiles(lowered)
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    # SQLite's own lower() changes only ASCII letters; db.engine adds this one to each connection.
    return f"unicode_lower({compiler.process(element.clauses, **options)})"


@compiles(lowered, "mysql", "mariadb")
def _on_mysql(element: Any, compiler: Any, **options: Any) -> str:
    return f"(LOWER({compiler.process(element.clauses, **options)}) COLLATE utf8mb4_bin)"


@compiles(lowered, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    inner = compiler.process(element.clauses, **options)
    return f'(lower(CAST({inner} AS TEXT)) COLLATE "C")'
