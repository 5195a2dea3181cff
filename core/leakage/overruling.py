"""Decides whether findings forbid the work, or the owner overrules those that may be mistaken."""

from collections.abc import Sequence

from core.base.errors import InvalidInput
from core.datasets.overruled import Overruled, checked_reason
from core.leakage.finding import Finding

REMEDY = (
    "If these are different batteries, overrule the finding with a reason (on the page, or by "
    "--overrule-recognition); it is shown beside every number that follows."
)


def settle_findings(findings: Sequence[Finding], reason: str | None) -> Overruled | None:
    """What a reason overrules; None where nothing was overruled.

    Only findings that rest on recognition can be overruled. A reason without such a finding is
    not kept.

    Raises
    ------
    InvalidInput
        Findings forbid the work, or the reason is too short or too long.
    """
    doubtful = [item for item in findings if item.rests_on_recognition]
    blocked = [
        item for item in findings if item.severity == "block" and not (reason and item in doubtful)
    ]
    if blocked:
        remedy = [REMEDY] if all(item.rests_on_recognition for item in blocked) else []
        raise InvalidInput(" ".join([*(item.message for item in blocked), *remedy]))
    if not reason:
        return None
    checked = checked_reason(reason)
    if not doubtful:
        return None
    return Overruled(reason=checked, findings=tuple(item.message for item in doubtful))
