"""Proposes a mapping for a file's tables, with what is guessed, asked and left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.base.errors import BadFile
from core.base.words import counted
from core.ingest.mapping import ColumnMapping, Layout
from core.ingest.parts import counter_steps, restart_sentence, seam_sentence
from core.ingest.recognition.column_names import columns_by_role, hint_of, is_in
from core.ingest.recognition.draft import Draft
from core.ingest.recognition.evidence import Evidence
from core.ingest.recognition.features import choose_features
from core.ingest.recognition.known_names import DATES, EQUIVALENT_CYCLES, Role
from core.ingest.recognition.layout import LAYOUT_WORDS
from core.ingest.recognition.proposed_labels import (
    propose_capacity,
    propose_labels,
    propose_share_units,
)
from core.ingest.recognition.questions import AS_READ, JOIN, SPLIT, Question
from core.ingest.recognition.row_structure import (
    direction_of,
    filled_share,
    is_numeric,
    needs_fill_down,
    whole_numbers,
)
from core.ingest.recognition.true_causes import (
    half_cycles,
    no_discharge_capacity,
    refuse_dates,
    refuse_equivalent_cycles,
    refuse_no_numbers,
    refuse_time_series,
)
from core.ingest.table import Table
from core.ingest.table_rows import codes_of, common_columns, numbers_of, rows_with


@dataclass(frozen=True)
class Proposal:
    """A proposed mapping, sentences on its guesses, questions, and the columns not used.

    numeric : columns that every table has and that hold numbers
    attributes : columns that describe a battery
    left_out : (column, why it is not used)
    """

    mapping: ColumnMapping
    guesses: tuple[str, ...]
    questions: tuple[Question, ...]
    numeric: tuple[str, ...]
    attributes: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def propose(tables: Sequence[Table], layout: Layout) -> Proposal:
    """Propose a mapping for tables with one row per battery and cycle (turned by `layout`).

    Raises BadFile where the file cannot be read at all, naming the cause.
    """
    tables = tuple(tables)
    columns = common_columns(tables)
    numeric = tuple(name for name in columns if is_numeric(tables, name))
    if not numeric:
        refuse_no_numbers(tables)
    draft = Draft(ColumnMapping(layout=layout))
    if layout != "rows":
        draft.guesses.append(
            f"The file has {LAYOUT_WORDS[layout].casefold()}: "
            f"{counted(len(tables), 'battery')}, each read by itself."
        )
    roles = columns_by_role(columns)
    _battery(draft, tables, roles)
    _cycle(draft, tables, roles, columns)
    evidence = _direction(draft, tables, roles)
    propose_labels(draft, evidence, roles, numeric)
    _split(draft, evidence, roles)
    _parts(draft, evidence)
    propose_capacity(draft, evidence)
    propose_share_units(draft, evidence)
    _say_what_is_missing(draft, columns)
    _doubts(draft, evidence)
    used = {column for _role, column in draft.mapping.named_columns()} | set(draft.reasons)
    chosen = choose_features(evidence, used)
    draft.change(features=chosen.features)
    for column in columns:
        hint = hint_of(column)
        if hint is not None and getattr(draft.mapping, f"{hint}_column") is None:
            draft.guesses.append(f"Column {column!r} may be the {hint}: map it if it is.")
    left_out = {**draft.reasons, **dict(chosen.left_out)}
    return Proposal(
        draft.mapping,
        tuple(draft.guesses),
        tuple(draft.questions),
        numeric,
        chosen.attributes,
        tuple(left_out.items()),
    )


def _battery(draft: Draft, tables: tuple[Table, ...], roles: dict[Role, list[str]]) -> None:
    if draft.mapping.layout != "rows":
        return
    found = [name for name in roles.get("battery", []) if _names_batteries(tables, name)]
    if not found:
        each = "Each table is" if len(tables) > 1 else "The file is"
        draft.guesses.append(f"{each} taken as one battery, named by its file or sheet.")
        return
    column = found[0]
    draft.change(battery_column=column)
    if needs_fill_down(tables, column):
        draft.change(fill_down=True)
        draft.guesses.append(
            f"{column!r} is filled in the first row of each battery alone; the rows below are "
            "taken as the same battery."
        )


def _names_batteries(tables: tuple[Table, ...], column: str) -> bool:
    """Whether a column can name batteries: it differs not in every row, as a row's id does."""
    n_rows = sum(table.n_rows for table in tables)
    return n_rows < 2 or len(codes_of(tables, column, False).categories) < n_rows


def _cycle(
    draft: Draft, tables: tuple[Table, ...], roles: dict[Role, list[str]], columns: Sequence[str]
) -> None:
    numbered = "rows are numbered from 1 in each battery."
    for column in roles.get("cycle", []):
        if is_numeric(tables, column) and filled_share(tables, column) >= 0.5:
            if whole_numbers(tables, column) < 0.5:
                draft.guesses.append(half_cycles(column, numbers_of(tables, column)))
            draft.change(cycle_column=column)
            return
        refuse_dates(tables, column)
        fault = "is mostly blank" if is_numeric(tables, column) else "holds no numbers"
        draft.leave_out(column, f"is no cycle number: it {fault}")
        draft.guesses.append(f"Column {column!r} {fault}, so it is no cycle number; {numbered}")
        return
    other = next((c for c in columns if is_in(c, EQUIVALENT_CYCLES)), None)
    date = next((c for c in columns if is_in(c, DATES)), None)
    if other is not None:
        refuse_equivalent_cycles(other)
    if date is not None:
        draft.guesses.append(f"The file has no cycle number but dates ({date!r}); {numbered}")
    else:
        draft.guesses.append(f"No cycle column was found: {numbered}")


def _direction(draft: Draft, tables: tuple[Table, ...], roles: dict[Role, list[str]]) -> Evidence:
    """Evidence of the rows that are read; refuses time series."""
    mapping = draft.mapping
    codes = codes_of(tables, mapping.battery_column, mapping.fill_down)
    if mapping.cycle_column is None:
        refuse_time_series(tables, codes, None)
        order = pd.Series(np.zeros(len(codes))).groupby(codes.codes).cumcount() + 1.0
        return Evidence(tables, codes, order.to_numpy())
    cycle = numbers_of(tables, mapping.cycle_column)
    candidates = [*roles.get("direction", []), *roles.get("split", [])]
    found = direction_of(tables, candidates, codes, cycle)
    if found is None:
        refuse_time_series(tables, codes, cycle)
        return Evidence(tables, codes, cycle)
    draft.change(direction_column=found.column, discharge_value=found.discharge_value)
    draft.guesses.append(
        f"Each cycle has a row of charge and one of discharge: those with {found.column!r} = "
        f"{found.discharge_value!r} are read as the discharge."
    )
    tables = tuple(rows_with(table, found.column, found.discharge_value) for table in tables)
    codes = codes_of(tables, mapping.battery_column, mapping.fill_down)
    return Evidence(tables, codes, numbers_of(tables, mapping.cycle_column))


def _split(draft: Draft, evidence: Evidence, roles: dict[Role, list[str]]) -> None:
    for column in roles.get("split", []):
        if column != draft.mapping.direction_column:
            draft.change(split_column=column)
            return


def _parts(draft: Draft, evidence: Evidence) -> None:
    """Propose to join the parts of a battery whose counter steps back."""
    mapping = draft.mapping
    if mapping.cycle_column is None:
        return
    values = mapping.capacity_column or mapping.soh_column
    capacity = None if values is None else evidence.numbers(values)
    steps = counter_steps(evidence.codes, evidence.cycle, capacity)
    if not steps:
        return
    draft.change(parts="join")
    restarts = tuple(step for step in steps if step.restarts)
    seams = tuple(step for step in steps if not step.restarts)
    if seams:
        draft.guesses.append(seam_sentence(seams))
    if restarts:
        found = restart_sentence(restarts)
        onward = "are joined: the later part continues the count"
        draft.guesses.append(f"{found} The parts {onward}.")
        draft.questions.append(
            Question("parts", f"{found} Are these parts of one continued test?", (JOIN, SPLIT))
        )


def _say_what_is_missing(draft: Draft, columns: Sequence[str]) -> None:
    mapping = draft.mapping
    if mapping.capacity_column or mapping.pcl_column or mapping.soh_column:
        return
    missing = no_discharge_capacity(columns)
    if missing and not mapping.rul_column and not mapping.life_column:
        raise BadFile(missing)
    if missing:
        draft.guesses.append(missing)


def _doubts(draft: Draft, evidence: Evidence) -> None:
    for _role, column in draft.mapping.named_columns():
        doubt = evidence.doubt(column)
        if doubt:
            draft.questions.append(
                Question("accept_doubt", f"{doubt} Are the numbers right as shown?", (AS_READ,))
            )
            return
