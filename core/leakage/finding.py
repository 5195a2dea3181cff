"""A finding of the leakage check: what it is about, how grave it is, and a sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.errors import InvalidInput

Severity = Literal["block", "warn", "info"]
SEVERITIES: tuple[Severity, ...] = ("block", "warn", "info")
NAMES_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One thing to know before trusting a number.

    severity : "block" forbids it, "warn" makes numbers look better than they are, "info" tells
    batteries : codes it is about
    columns : names of the feature columns it is about
    """

    kind: str
    severity: Severity
    message: str
    batteries: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What a model answers: single targets, and whether about the measured cycle itself."""

    targets: Sequence[str]
    estimates: bool


def refuse_blocked(findings: Iterable[Finding]) -> None:
    """Raise `InvalidInput` with what forbids the work, if anything does."""
    blocked = [finding.message for finding in findings if finding.severity == "block"]
    if blocked:
        raise InvalidInput(" ".join(blocked))


def gravest_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings by severity, else in their order."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def joined(names: Sequence[str]) -> str:
    """The first few names of a list, and how many more there are."""
    shown = ", ".join(names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def counted(count: int) -> str:
    """A number of batteries."""
    return f"{count} battery" if count == 1 else f"{count} batteries"
