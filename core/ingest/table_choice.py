"""Which tables of a file are read: files of an archive all alike, sheets by their columns."""

from collections.abc import Sequence

from core.base.errors import BadFile
from core.ingest.mapping import ColumnMapping
from core.ingest.recognition.column_names import columns_by_role
from core.ingest.recognition.layout import turned
from core.ingest.recognition.row_structure import is_time_series
from core.ingest.table import FileTables, Table
from core.ingest.table_rows import codes_of

_STATE_ROLES = ("capacity", "pcl", "soh", "rul")


def sheet_names(file: FileTables) -> tuple[str, ...]:
    """Worksheets of a workbook with more than one; else empty."""
    if file.kind != "sheets":
        return ()
    return tuple(sheet_of(table) for table in file.tables)


def sheet_of(table: Table) -> str:
    """The worksheet's own name, of a table called "Sheet 'A'"."""
    return table.name.removeprefix("Sheet '").removesuffix("'")


def tables_to_judge(file: FileTables, sheet: str | None) -> tuple[Table, ...]:
    """The tables that a mapping is proposed for: of sheets, those like the most telling one."""
    if file.kind != "sheets":
        return file.tables
    if sheet is not None:
        return (_sheet(file, sheet),)
    best = max(file.tables, key=_telling)
    roles = _roles(best)
    series = _is_series(best)
    return tuple(
        t
        for t in file.tables
        if t is best or (roles and roles <= _roles(t) and _is_series(t) == series)
    )


def tables_to_read(file: FileTables, mapping: ColumnMapping) -> tuple[Table, ...]:
    """The tables that a mapping names, turned by its layout.

    Raises BadFile for a file of an archive that lacks a mapped column.
    """
    tables = file.tables
    if file.kind == "sheets" and mapping.sheet is not None:
        tables = (_sheet(file, mapping.sheet),)
    elif file.kind == "sheets" and mapping.layout != "rows":
        tables = tables_to_judge(file, None)
    tables = turned(tables, mapping.layout)
    needed = [column for _role, column in mapping.named_columns()]
    if file.kind == "sheets" and mapping.sheet is None:
        return tuple(t for t in tables if set(needed) <= set(t.names)) or tables[:1]
    for table in tables[1:]:
        _check_columns(table, needed)
    return tables


def _check_columns(table: Table, needed: Sequence[str]) -> None:
    known = set(table.names)
    for column in needed:
        if column not in known:
            raise BadFile(
                f"{table.name} has no column {column!r}. All tables need the same columns: add "
                "it there, or map another column."
            )


def _sheet(file: FileTables, sheet: str) -> Table:
    for table in file.tables:
        if sheet in (table.name, sheet_of(table)):
            return table
    names = ", ".join(repr(name) for name in sheet_names(file)[:20])
    raise BadFile(f"The workbook has no sheet {sheet!r} with data. Its sheets are: {names}.")


def _roles(table: Table) -> set[str]:
    return {str(role) for role in columns_by_role(table.names)}


def _is_series(table: Table) -> bool:
    """Whether a sheet has many rows a cycle, as the record beside a summary by cycle."""
    named = columns_by_role(table.names)
    cycle, battery = named.get("cycle", []), named.get("battery", [])
    if not cycle or not table.column(cycle[0]).n_numbers:
        return False
    codes = codes_of((table,), battery[0] if battery else None, fill_down=True)
    return is_time_series(codes, table.column(cycle[0]).numbers)


def _telling(table: Table) -> tuple[int, int, int, int]:
    """More roles and a state of health go before more rows; the first goes before later ones.

    A record of many rows a cycle goes last: it cannot be read, and its summary can.
    """
    roles = _roles(table)
    usable = 0 if _is_series(table) else 1
    return (
        usable if roles else 0,
        len(roles),
        sum(role in roles for role in _STATE_ROLES),
        1 if table.n_rows > 2 else 0,
    )
