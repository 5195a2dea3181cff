"""What a model card says about the limits of its numbers."""

import pandas as pd

from core.base.words import counted
from core.datasets.datasets import DatasetSummary
from core.datasets.overruled import overruled_notes
from core.datasets.series import targets_of
from core.measures.bootstrap import FEWEST_BATTERIES
from core.model_versions.versions import ModelInfo


def known_limits(model: ModelInfo, dataset: DatasetSummary, batteries: pd.DataFrame) -> list[str]:
    """Sentences, the most important first.

    Parameters
    ----------
    batteries : battery_id, cycle_life, role, ... of the dataset
    """
    return [
        *overruled_notes(model.overruled),
        _question(model),
        *_labels(model, dataset),
        *_censored(model, batteries),
        *_evidence(model),
        *dataset.schema.notes,
    ]


def _question(model: ModelInfo) -> str:
    if model.max_horizon:
        return (
            f"It forecasts up to {counted(model.max_horizon, 'cycle')} ahead; the errors here "
            "are one cycle ahead, and grow with the horizon."
        )
    return (
        "It estimates the state at the measured cycle; it says nothing about capacity in the "
        "future except through RUL."
    )


def _labels(model: ModelInfo, dataset: DatasetSummary) -> list[str]:
    lines = []
    if model.labels_changed:
        lines.append(
            "The labels of the dataset were recomputed after this training: the numbers refer "
            "to the old ones."
        )
    for target in targets_of(model.target):
        entry = dataset.schema.labels.get(target)
        if entry is None:
            continue
        if entry.origin == "computed":
            lines.append(f"{target} labels were computed: {entry.rule}.")
        elif entry.origin == "file":
            lines.append(f"{target} labels are those of the file, as they are.")
    return lines


def _censored(model: ModelInfo, batteries: pd.DataFrame) -> list[str]:
    if "RUL" not in targets_of(model.target):
        return []
    taking_part = batteries[batteries["role"].notna()]
    censored = int(taking_part["cycle_life"].isna().sum())
    if not censored:
        return []
    return [
        f"{censored} of {counted(len(taking_part), 'battery')} did not reach end of "
        "life in the data; RUL was learned from and scored on the others only."
    ]


def _evidence(model: ModelInfo) -> list[str]:
    """Sentences on how far the errors can be trusted."""
    tested = model.metrics.test
    if not tested:
        return [
            "There were no labelled test batteries: the validation numbers flatter the model, "
            "because it was chosen by them."
        ]
    lines = []
    few = min(values.n_batteries or 0 for values in tested.values())
    if few < FEWEST_BATTERIES:
        lines.append(
            f"Only {counted(few, 'test battery')}: too few to say how the "
            "numbers would be on others."
        )
    if not model.metrics.batteries:
        lines.append(
            "Trained by an earlier version that did not keep errors by battery: no intervals, no "
            "worst batteries."
        )
    lines += [
        f"{target}: the intervals contain fewer cycles of the test batteries than promised; these "
        "batteries lie outside what the model knows."
        for target, values in tested.items()
        if (values.interval or {}).get("verdict") == "too low"
    ]
    return lines
