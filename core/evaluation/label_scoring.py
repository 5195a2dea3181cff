"""Against which labels a test is scored, where model and dataset may mean different lives.

A model keeps the end of life that it was trained with. Where that of the tested dataset differs,
RUL is scored against labels computed with the model's end of life, or not at all.
"""

from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from core.datasets.datasets import DatasetSummary
from core.datasets.series import targets_of
from core.ingest.label_meaning import LabelMeaning, meaning_of, same_rul
from core.ingest.labels import LabelOrigins, relabel
from core.ingest.mapping import EolRule
from core.model_versions.versions import ModelInfo

# The labels that the dataset itself has; others are named by the end of life of the model.
OWN_LABELS = ""
UNCHECKED = "not compared"


@dataclass(frozen=True)
class LabelScoring:
    """How the labels of a tested dataset are used.

    rul : as the dataset has them, computed anew with `eol`, or not at all
    nominal_ah : the model's nominal capacity, from which PCL is computed anew; None keeps PCL
    rul_note, pcl_note : what readers must know about the numbers of a target; "" where nothing
    """

    rul: Literal["own", "recomputed", "none"] = "own"
    eol: EolRule | None = None
    nominal_ah: float | None = None
    rul_note: str = ""
    pcl_note: str = ""

    def note(self, target: str) -> str:
        """The sentence about one target."""
        return self.pcl_note if target == "PCL" else self.rul_note

    def group(self, target: str) -> str:
        """Which labels a target is scored against; only tests of one group rank together."""
        nominal = "" if self.nominal_ah is None else f"nominal capacity {self.nominal_ah:g} Ah"
        if target == "PCL" or self.eol is None:
            return nominal
        isolated = ", isolated readings counted in" if self.eol.count_isolated else ""
        return f"{self.eol.describe()}{isolated}" + (f", {nominal}" if nominal else "")

    def sentences(self, target: str) -> list[str]:
        """The sentences about the targets of a model; PCL, RUL or BOTH."""
        return [note for name in targets_of(target) if (note := self.note(name))]


def label_scoring(model: ModelInfo, dataset: DatasetSummary) -> LabelScoring:
    """Compare the labels that a model learned with those of a dataset to test it on."""
    own = model.dataset_id == dataset.id
    learned, here = model.meaning, meaning_of(dataset.schema)
    nominal, pcl_note = _nominal(model, dataset, learned, here)
    found = LabelScoring(nominal_ah=nominal, pcl_note=pcl_note)
    if "RUL" not in targets_of(model.target) or here.rul == "none":
        return found
    is_same = same_rul(learned, here) or (own and learned.rule is None)
    if is_same and nominal is None:
        return found
    return _other_life(found, model, dataset, learned, here)


def with_scored_labels(
    frame: pd.DataFrame,
    nominal_capacity_ah: dict[str, float | None],
    dataset: DatasetSummary,
    scoring: LabelScoring,
) -> pd.DataFrame:
    """The cycles of a dataset with the labels that a test is scored against.

    Parameters
    ----------
    frame : battery_code, cycle_num, capacity_ah, pcl, rul and features, by battery and cycle
    nominal_capacity_ah : of each battery code, None where unknown
    """
    nominal = nominal_capacity_ah
    if scoring.nominal_ah is not None:
        nominal = dict.fromkeys(nominal_capacity_ah, scoring.nominal_ah)
    if scoring.rul == "own" and scoring.nominal_ah is None:
        return frame
    origins = replace(LabelOrigins.of_labels(dataset.schema.labels), capacity="file")
    if scoring.eol is not None:
        origins = replace(origins, rul="computed", file_rul_batteries=frozenset())
    new, _ = relabel(frame, nominal, scoring.eol or dataset.eol, origins)
    if scoring.rul == "none":
        return new.assign(rul=float("nan"))
    return new.assign(
        rul=new["rul"].astype("Float64").to_numpy(dtype="float64", na_value=float("nan"))
    )


def _nominal(
    model: ModelInfo, dataset: DatasetSummary, learned: LabelMeaning, here: LabelMeaning
) -> tuple[float | None, str]:
    """The nominal capacity to compute PCL from, where it is not the dataset's, and the sentence."""
    if model.dataset_id != dataset.id:
        unknown = [
            name
            for name, meaning in ((model.dataset_name, learned), (dataset.name, here))
            if not meaning.has_nominal
        ]
        if not unknown:
            return None, ""
        return None, (
            f"The nominal capacity behind the capacity loss of {' and of '.join(unknown)} is not "
            "known, so the model may have learned a loss from another capacity than the one it is "
            "scored against."
        )
    ours, theirs = learned.nominal_capacity_ah, here.nominal_capacity_ah
    if ours is None or theirs is None or ours == theirs:
        return None, ""
    if dataset.schema.origin_of("PCL") != "computed":
        return None, ""
    return ours, (
        f"The model learned with a nominal capacity of {ours:g} Ah; {dataset.name} has "
        f"{theirs:g} Ah by now. PCL is scored against labels computed with that of the model."
    )


def _other_life(
    found: LabelScoring,
    model: ModelInfo,
    dataset: DatasetSummary,
    learned: LabelMeaning,
    here: LabelMeaning,
) -> LabelScoring:
    rule = learned.rule
    if rule is None:
        return replace(
            found,
            rul="none",
            rul_note=f"The end of life that {model.title} was trained with is not known, so its "
            f"RUL cannot be compared with that of {dataset.name}: RUL is predicted, without "
            "metrics. Train the model again to have its end of life kept.",
        )
    differ = (
        f"{model.title} was trained with another end of life ({learned.describe()}) than "
        f"{dataset.name} has ({here.describe()})."
    )
    if dataset.schema.origin_of("PCL") in (None, "none"):
        return replace(
            found,
            rul="none",
            rul_note=f"{differ} {dataset.name} has no capacity to compute the labels anew from, "
            "so RUL is predicted, without metrics.",
        )
    return replace(
        found,
        rul="recomputed",
        eol=rule,
        rul_note=f"{differ} RUL is scored against labels computed from capacity with the end of "
        "life of the model, and ranks only beside tests that are scored so, too.",
    )
