"""What a training job's JSON of settings says."""

from typing import Any, ClassVar

from pydantic import Field

from core.base.stored_json import StoredJson


class TrainingSettings(StoredJson):
    """The column `training_job.hyperparams`: settings that all algorithms of the job share.

    Only what differs from the defaults need be there. Which settings there are is the business of
    the algorithms, so all others than these are kept by name, as unknown keys are.

    features : names of the features to learn from; None = the dataset's first eight
    max_horizon : 0 for an estimate, else the furthest cycle to forecast
    overrides : settings of single algorithms, by algorithm
    """

    noun: ClassVar[str] = "settings of the training"

    features: tuple[str, ...] | None = None
    max_horizon: int = 0
    seed: int = 0
    physics_weight: float | None = None
    overrides: dict[str, dict[str, Any]] | None = Field(default_factory=dict)

    def by_name(self) -> dict[str, Any]:
        """As `models.settings.resolving.resolve` takes them."""
        return {name: value for name, value in self.content().items() if name != "features"}
