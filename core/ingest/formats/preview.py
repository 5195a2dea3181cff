"""What a user sees of a file before it is read, and the column mapping proposed for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from core.base.errors import BadFile
from core.ingest.mapping import ColumnMapping
from core.ingest.numbers import TextCellError, parse_numbers
from core.ingest.recognise import numeric_columns, propose_mapping

PREVIEW_ROWS = 20


@dataclass(frozen=True)
class Preview:
    """The first rows of a file and a proposed column mapping, for the user to confirm.

    columns : every column of the file, as the mapping may name them
    numeric_columns : those that hold nothing but numbers in the first rows
    sample : the first 20 rows, one frame column per file column
    n_tables : files in a ZIP, else 1
    one_battery_per_file : no column names the battery, so each table is one
    sheets : worksheets of a workbook, else empty
    mapping : the proposal
    guesses : sentences on guesses that the user should check
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


def make_preview(
    label: str,
    columns: tuple[str, ...],
    samples: Sequence[pd.DataFrame],
    n_tables: int = 1,
    sheets: tuple[str, ...] = (),
    sheet: str | None = None,
) -> Preview:
    """Propose a mapping for tables whose first rows are known (`samples`, one frame each).

    Raises BadFile if the first of them holds no numbers.
    """
    numeric = numeric_columns(samples[0])
    if not numeric:
        raise BadFile(
            "No column holds numbers in its first rows. FadeBench needs one row per cycle, with "
            "a first row of column names and numbers below."
        )
    proposal = propose_mapping(columns, samples)
    guesses = list(proposal.guesses)
    mapping = proposal.mapping if sheet is None else replace(proposal.mapping, sheet=sheet)
    if mapping.battery_column is None:
        each = "Each file is" if n_tables > 1 else "The file is"
        guesses.append(f"{each} taken as one battery, named by its file name.")
    if mapping.cycle_column is None:
        guesses.append("No cycle column was found: rows are numbered from 1 in each battery.")
    return Preview(
        format_label=label,
        columns=columns,
        numeric_columns=numeric,
        sample=samples[0],
        n_tables=n_tables,
        one_battery_per_file=mapping.battery_column is None,
        sheets=sheets,
        mapping=mapping,
        guesses=tuple(guesses),
    )


def sample_frame(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """First rows as a frame: numbers where a column holds nothing else, else text."""
    frame = pd.DataFrame([list(row) for row in rows], columns=list(columns), dtype=object)
    for name in columns:
        try:
            frame[name] = parse_numbers(list(frame[name]), decimal_comma=True)
        except TextCellError:
            frame[name] = frame[name].map(lambda cell: "" if cell is None else str(cell))
    return frame
