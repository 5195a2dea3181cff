"""What a user sees of a file before it is read, and the column mapping proposed for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.ingest.mapping import ColumnMapping, Layout
from core.ingest.recognition.layout import layout_of, turned
from core.ingest.recognition.proposal import propose
from core.ingest.recognition.questions import Question
from core.ingest.table import FileTables, Table
from core.ingest.table_choice import sheet_names, sheet_of, tables_to_judge
from core.ingest.table_rows import common_columns

PREVIEW_ROWS = 20


@dataclass(frozen=True)
class Preview:
    """A file as it was found and a proposed column mapping, for the user to confirm.

    columns : every column of the file, as the mapping may name them
    numeric_columns : those that hold numbers
    sample : the first 20 rows as written, one frame column per file column
    n_tables : files in a ZIP or sheets that are read, else 1
    one_battery_per_file : no column names the battery, so each table is one
    sheets : worksheets of a workbook, else empty
    mapping : the proposal
    guesses : sentences on guesses that the user should check
    questions : what only the user knows; to be answered before the file is read
    left_out : (column, reason) of every column that the mapping does not use
    attributes : columns that describe a battery and never change within one
    """

    format_label: str
    columns: tuple[str, ...]
    numeric_columns: tuple[str, ...]
    sample: pd.DataFrame
    n_tables: int
    one_battery_per_file: bool
    sheets: tuple[str, ...]
    mapping: ColumnMapping
    guesses: tuple[str, ...]
    questions: tuple[Question, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    attributes: tuple[str, ...] = ()


def make_preview(
    file: FileTables, sheet: str | None = None, layout: Layout | None = None
) -> Preview:
    """Propose a mapping for the tables of a file, judged on all their rows.

    Raises BadFile where the file cannot be read at all, naming the cause.
    """
    given = tables_to_judge(file, sheet)
    layout = layout or layout_of(given[0])
    tables = turned(given, layout)
    proposal = propose(tables, layout)
    mapping = proposal.mapping
    several = len(file.tables) > 1 and file.kind == "sheets"
    if several and len(given) == 1:
        mapping = replace(mapping, sheet=sheet_of(given[0]))
    return Preview(
        format_label=file.label,
        columns=common_columns(tables),
        numeric_columns=proposal.numeric,
        sample=sample_of(tables[0]),
        n_tables=len(given),
        one_battery_per_file=mapping.battery_column is None,
        sheets=sheet_names(file) if several else (),
        mapping=mapping,
        guesses=(*_said_of_file(file, given), *proposal.guesses),
        questions=proposal.questions,
        left_out=proposal.left_out,
        attributes=proposal.attributes,
    )


def sample_of(table: Table) -> pd.DataFrame:
    """The first rows of a table as written."""
    columns: dict[str, object] = {}
    for column in table.columns:
        numbers = column.numbers[:PREVIEW_ROWS]
        if column.texts is None:
            columns[column.name] = numbers
        else:
            columns[column.name] = np.asarray(column.texts[:PREVIEW_ROWS], dtype=object)
    return pd.DataFrame(columns)


def _said_of_file(file: FileTables, read: Sequence[Table]) -> list[str]:
    """What the reader skipped, and the sheets that are not read."""
    said = list(file.notes)
    if file.encoding:
        said.append(f"The text is read as {file.encoding}.")
    said += dict.fromkeys(sentence for table in read for sentence in table.skipped)
    unread = [sheet_of(t) for t in file.tables if t not in read] if file.kind == "sheets" else []
    if unread:
        said.append(f"Not read, as their columns differ: sheets {', '.join(unread[:10])}.")
    elif len(read) > 1 and file.kind == "sheets":
        said.append(f"{len(read)} sheets have the same columns; all are read.")
    return said
