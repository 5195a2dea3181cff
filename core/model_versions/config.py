"""What a model version's two JSON columns say: how it was made, and its errors."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from core.base.stored_json import StoredJson
from core.ingest.label_meaning import LabelMeaning
from core.model_versions.stored_metrics import StoredMetrics

ByTarget = dict[str, StoredMetrics]
# By battery code and target: n, mae and rmse.
ByBattery = dict[str, dict[str, dict[str, float | None]]]


class StoredTerm(BaseModel):
    """One parameter of a learned law, in stored units."""

    model_config = ConfigDict(extra="allow", frozen=True)

    target: str
    name: str
    value: float
    unit: str


class ModelConfig(StoredJson):
    """The column `model_version.config`.

    hyperparameters : settings of the algorithm by name, as it was trained with them; which there
        are is the algorithm's business (`models.settings.resolving`)
    features, feature_units : in the model's order
    interval_of_PCL, interval_of_RUL : how intervals were calibrated, or why there are none
    fadebench_version, code_version : the release that made it; the first ones stored the latter
    label_meaning : end of life and nominal capacity behind the labels it learned; None for models
        of releases that did not keep it
    law, ensemble : what was learned, see `core.model_versions.learned`
    """

    noun: ClassVar[str] = "description of the model"

    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    features: tuple[str, ...] = ()
    feature_units: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    train_batteries: int | None = None
    val_batteries: int | None = None
    test_batteries: int | None = None
    train_cycles: int | None = None
    best_epoch: int | None = None
    epochs_run: int | None = None
    stopped_early: bool | None = None
    interval_of_PCL: str = ""  # noqa: N815
    interval_of_RUL: str = ""  # noqa: N815
    dataset_fingerprint: str | None = None
    labels_version: int = 1
    label_meaning: LabelMeaning | None = None
    threads: int | None = None
    fadebench_version: str | None = None
    algorithm_version: int = 1
    code_version: str | None = None
    law: tuple[StoredTerm, ...] = ()
    ensemble: dict[str, dict[str, float]] = Field(default_factory=dict)

    @property
    def made_by(self) -> str:
        """Release of FadeBench that made the model; the first ones added a hash of their code."""
        return self.fadebench_version or self.code_version or "0.1.0"

    @property
    def max_horizon(self) -> int:
        """0 for an estimator, else the furthest cycle it was trained to forecast."""
        return int(self.hyperparameters.get("max_horizon", 0))

    def interval_of(self, target: str) -> str:
        """How the intervals of a target were calibrated; "" for models from before intervals."""
        return self.interval_of_PCL if target == "PCL" else self.interval_of_RUL

    def facts(self) -> dict[str, Any]:
        """All that was stored but settings, labels and what was learned, for tables."""
        learned = ("hyperparameters", "law", "ensemble", "label_meaning")
        return {name: value for name, value in self.content().items() if name not in learned}


class ModelMetrics(StoredJson):
    """The column `model_version.metrics`.

    val, test : pooled over the batteries of the role, by target
    batteries : errors by role, battery code and target; empty for models that did not keep them
    floors : by role, name of the floor and target
    """

    noun: ClassVar[str] = "errors of the model"

    batteries: dict[str, ByBattery] = Field(default_factory=dict)
    floors: dict[str, dict[str, ByTarget]] = Field(default_factory=dict)
    val: ByTarget = Field(default_factory=dict)
    test: ByTarget = Field(default_factory=dict)

    @field_validator("val", "test", "batteries", "floors", mode="before")
    @classmethod
    def _absent(cls, stored: Any) -> Any:
        return {} if stored is None else stored

    def of_role(self, role: str) -> ByTarget:
        """Pooled errors of "val" or "test"."""
        return {"val": self.val, "test": self.test}[role]

    def of_batteries(self, role: str) -> ByBattery:
        """Errors of each battery of a role."""
        return self.batteries.get(role, {})
