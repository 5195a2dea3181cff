"""A finding of the leakage check: its kind, severity, batteries or columns, and message."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["block", "warn", "info"]
SEVERITIES: tuple[Severity, ...] = ("block", "warn", "info")
NAMES_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One thing to know before trusting a number.

    severity : "block" forbids the work, "warn" means that numbers will look better than they are,
        "info" is for information
    batteries : codes of the batteries concerned
    columns : names of the feature columns concerned
    rests_on_recognition : it may be mistaken, because batteries were recognised by their
        capacities, so the owner may overrule it
    """

    kind: str
    severity: Severity
    message: str
    batteries: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rests_on_recognition: bool = False


@dataclass(frozen=True)
class Question:
    """What a model predicts: its targets, and whether it estimates the measured cycle."""

    targets: Sequence[str]
    estimates: bool


def gravest_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Sort findings by severity; those of equal severity keep their order."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def joined(names: Sequence[str]) -> str:
    """List the first few names, and the number of the others."""
    shown = ", ".join(names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def counted(count: int) -> str:
    """A number of batteries with its noun."""
    return f"{count} battery" if count == 1 else f"{count} batteries"
