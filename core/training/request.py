"""What a page or a command asks for when it starts a training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TrainingRequest:
    """What to train.

    roles : role (train, val, test) by battery code; None takes the dataset's split
    hyperparams : as `models.settings.resolving.resolve` takes them: shared settings and "overrides"
    group_key : ties jobs together that differ in seed or physics only
    features : names of the dataset's features to learn from; None takes the first eight
    overrule_recognition : why batteries that the leakage check takes for one are different ones;
        kept, and shown beside every number that follows
    """

    dataset_id: int
    target: str
    algorithms: Sequence[str]
    roles: Mapping[str, str] | None = None
    hyperparams: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    group_key: str | None = None
    features: Sequence[str] | None = None
    overrule_recognition: str | None = None
