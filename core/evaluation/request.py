"""What a page or a command asks for when it starts a test."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TestRequest:
    """What to test; None takes the default: `material.default_batteries`, and horizon 0 or 1.

    overrule_recognition : why batteries that the leakage check recognises as known to the model
        are different ones; they then count as unseen, and the reason is shown beside the numbers
    """

    __test__ = False
    model_id: int
    dataset_id: int
    battery_codes: Sequence[str] | None = None
    horizon: int | None = None
    overrule_recognition: str | None = None
