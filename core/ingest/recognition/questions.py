"""Questions that a file leaves open, and what an answer does to the mapping."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import cast

from core.base.errors import InvalidInput
from core.ingest.mapping import CapacityUnit, ColumnMapping, Parts

JOIN, SPLIT = "join", "split"
EACH, ONE = "each", "one"
AS_READ = "as read"

# What each answer is called on the page.
OPTION_WORDS: dict[str, str] = {
    JOIN: "Parts of one test: continue the count",
    SPLIT: "Different batteries",
    EACH: "Each battery its own, as guessed",
    ONE: "One for all",
    AS_READ: "Yes, as shown",
}
_COMMAND_LINE: dict[str, str] = {
    "capacity_unit": "--capacity-unit",
    "parts": "--parts join or --parts split",
    "nominal_capacity_ah": (
        "--nominal-capacity-ah for all, or nominal_by_battery or nominal_column in --columns"
    ),
    "accept_doubt": 'accept_doubt in --columns ({"accept_doubt": true})',
    "pcl_unit": "pcl_unit in --columns",
}
# Other parts of a mapping that answer a question, too.
_ANSWERED_BY: dict[str, tuple[str, ...]] = {
    "nominal_capacity_ah": ("nominal_by_battery", "nominal_column"),
    "capacity_unit": ("soh_column", "pcl_column"),
}


@dataclass(frozen=True)
class Question:
    """What only the user knows.

    key : the part of the mapping that it is about
    sentence : what was found, and what is asked
    options : possible answers
    """

    key: str
    sentence: str
    options: tuple[str, ...]


def answered(mapping: ColumnMapping, key: str, option: str) -> ColumnMapping:
    """The proposed mapping with an answer; raises InvalidInput for one that is no option."""
    if key == "capacity_unit" and option in ("Ah", "mAh"):
        return _with_unit(mapping, cast("CapacityUnit", option))
    if key == "parts" and option in (JOIN, SPLIT):
        return replace(mapping, parts=cast("Parts", option))
    if key == "nominal_capacity_ah" and option == ONE:
        return replace(mapping, nominal_by_battery={})
    if key == "accept_doubt" and option == AS_READ:
        return replace(mapping, accept_doubt=True)
    if key == "pcl_unit" and option in ("percent", "fraction"):
        return replace(mapping, pcl_unit="percent" if option == "percent" else "fraction")
    if option == EACH:
        return mapping
    raise InvalidInput(f"{option!r} answers no question about {key}.")


def open_questions(questions: Sequence[Question], given: Collection[str]) -> tuple[Question, ...]:
    """The questions that none of the given parts of a mapping answers."""
    return tuple(
        question
        for question in questions
        if question.key not in given
        and not any(key in given for key in _ANSWERED_BY.get(question.key, ()))
    )


def require_answers(questions: Sequence[Question], given: Collection[str]) -> None:
    """Raise InvalidInput with the first open question and how the command line answers it."""
    for question in open_questions(questions, given):
        raise InvalidInput(f"{question.sentence} Answer with {_COMMAND_LINE[question.key]}.")


def _with_unit(mapping: ColumnMapping, unit: CapacityUnit) -> ColumnMapping:
    """The unit, with the nominal capacities that were guessed in the other one."""
    if unit == mapping.capacity_unit:
        return mapping
    factor = 1e-3 if unit == "mAh" else 1e3
    nominal = mapping.nominal_capacity_ah
    by_battery = {c: _scaled(ah, factor) for c, ah in mapping.nominal_by_battery.items()}
    return replace(
        mapping,
        capacity_unit=unit,
        nominal_capacity_ah=None if nominal is None else _scaled(nominal, factor),
        nominal_by_battery=by_battery,
    )


def _scaled(capacity_ah: float, factor: float) -> float:
    return float(f"{capacity_ah * factor:.6g}")
