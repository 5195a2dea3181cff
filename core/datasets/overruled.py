"""A finding of the leakage check that the owner has overruled, as it is stored and shown."""

from collections.abc import Mapping
from typing import Any, ClassVar

from core.base.errors import InvalidInput
from core.base.stored_json import StoredJson

SHORTEST_REASON, LONGEST_REASON = 10, 500


class Overruled(StoredJson):
    """The columns `training_job.overruled` and `test_job.overruled`.

    reason : why the owner does not follow the findings, 10 to 500 characters
    findings : messages of the findings, as they were shown
    """

    noun: ClassVar[str] = "overruled finding"

    reason: str
    findings: tuple[str, ...]

    @property
    def note(self) -> str:
        """One sentence to stand beside every number that follows."""
        return f"Leakage finding overruled: {' '.join(self.findings)} Reason given: {self.reason}"


def checked_reason(text: str) -> str:
    """The reason in one line; `InvalidInput` if it is too short or too long."""
    reason = " ".join(text.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise InvalidInput(
            f"Say in {SHORTEST_REASON} to {LONGEST_REASON} characters why these are different "
            f"batteries; it is shown beside the numbers. This has {len(reason)}."
        )
    return reason


def stored_overruled(stored: Mapping[str, Any] | None) -> Overruled | None:
    """What a column holds; NULL where nothing was overruled."""
    return None if stored is None else Overruled.from_json(stored)


def overruled_notes(*stored: Overruled | None) -> tuple[str, ...]:
    """The sentences of a training's and a test's overruled findings, each once."""
    return tuple(dict.fromkeys(item.note for item in stored if item is not None))
