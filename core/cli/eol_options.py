"""Options of commands that choose an end of life."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from core.base.errors import InvalidInput
from core.ingest.mapping import EolRule


class RuleName(StrEnum):
    """Which row below the threshold counts."""

    FIRST = "first"
    CONSECUTIVE = "consecutive"


EolRuleOption = Annotated[
    RuleName | None,
    typer.Option(help="The first cycle below the threshold, or several consecutive ones."),
]
EolConsecutive = Annotated[
    int | None, typer.Option(help="How many cycles in a row; implies --eol-rule consecutive.")
]


def chosen_rule(
    start: EolRule, threshold: float | None, rule: RuleName | None, consecutive: int | None
) -> EolRule:
    """An end of life with some parts chosen on the command line.

    Raises
    ------
    InvalidInput
        The parts do not go together.
    """
    if rule == RuleName.FIRST and consecutive is not None:
        raise InvalidInput("--eol-consecutive needs --eol-rule consecutive.")
    if threshold is not None:
        start = replace(start, threshold=threshold)
    if rule == RuleName.FIRST:
        return replace(start, rule="first_crossing", consecutive=1)
    if consecutive is not None:
        return replace(start, rule="consecutive", consecutive=consecutive)
    if rule == RuleName.CONSECUTIVE and start.run_length == 1:
        raise InvalidInput("Say how many cycles in a row: --eol-consecutive N.")
    return start
