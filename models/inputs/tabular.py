"""Questions about many batteries as one table, and the scale that answers are learned on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from models.inputs.at_once import ask_labelled
from models.inputs.causal import causal_features, last_pcl
from models.inputs.predictor import Asked
from models.inputs.scaling import fit_limits, require_capacity
from models.inputs.series import BatterySeries, Floats, Task

# Predicted PCL leaves the range of the training labels by at most this share of its width.
MARGIN = 0.1
# Questions about each row in a forecast, each from a random number of cycles before it.
DRAWS = 3


@dataclass(frozen=True)
class Table:
    """inputs (m, P) finite; learned (m, T) on the learned scale, NaN where unlabelled.

    offset (m, T): the part of the answer that is known, see `AnswerScale.offset`.
    """

    inputs: Floats
    learned: Floats
    offset: Floats


@dataclass(frozen=True)
class AnswerScale:
    """Prepares inputs, without outliers and gaps, and scales the answers that are learned.

    RUL is learned as log(1 + RUL at the source row), because an error of ten cycles matters at 20
    cycles and not at 2,000; the cycles from the source row to the question are subtracted after
    that. PCL is learned as its change since the last measured PCL if the task uses capacity, else
    as it is.

    low, high (F,): features are clipped to them. means, stds, least, most (P,): of the inputs over
    the training rows; an unknown input is replaced by its mean. pcl (fraction): used as last
    measured PCL before the first measurement. floor, top (T,): limits of learned answers.
    """

    task: Task
    low: Floats
    high: Floats
    means: Floats
    stds: Floats
    least: Floats
    most: Floats
    pcl: float
    floor: Floats
    top: Floats

    def inputs(self, series: BatterySeries, asked: Asked) -> Floats:
        """Return the inputs of some questions, (m, P), finite."""
        found = raw_inputs(series, asked, self.task, self.low, self.high)
        return np.where(np.isnan(found), self.means, found)

    def offset(self, series: BatterySeries, asked: Asked) -> Floats:
        """Return the known part of the answers, (m, T): last PCL, or age of the source row."""
        columns = []
        for name in self.task.targets:
            if name == "RUL":
                columns.append((asked.cycle - series.cycle_num[asked.source]).astype(np.float64))
            elif self.task.use_capacity_history:
                last = last_pcl(series)[asked.source]
                columns.append(np.where(np.isfinite(last), last, self.pcl))
            else:
                columns.append(np.zeros(len(asked)))
        return np.column_stack(columns)

    def learn(self, answers: Floats, offset: Floats) -> Floats:
        """Return answers on the learned scale, (m, T)."""
        columns = [
            np.log1p(np.maximum(y + known, 0.0)) if name == "RUL" else y - known
            for name, y, known in zip(self.task.targets, answers.T, offset.T, strict=True)
        ]
        return np.column_stack(columns)

    def restore(self, learned: Floats, offset: Floats) -> Floats:
        """Return answers in physical units, (m, T)."""
        bounded = np.clip(learned, self.floor, self.top)
        columns = [
            np.expm1(y) - known if name == "RUL" else y + known
            for name, y, known in zip(self.task.targets, bounded.T, offset.T, strict=True)
        ]
        return np.column_stack(columns)

    def content(self) -> dict[str, Any]:
        """Return tensors and plain values."""
        return {**{name: torch.tensor(getattr(self, name)) for name in _ARRAYS}, "pcl": self.pcl}


_ARRAYS = ("low", "high", "means", "stds", "least", "most", "floor", "top")


def restore_scale(content: dict[str, Any], task: Task) -> AnswerScale:
    """Rebuild a scale; raises KeyError, TypeError or AttributeError if it is damaged."""
    arrays = {name: content[name].numpy() for name in _ARRAYS}
    return AnswerScale(task, pcl=float(content["pcl"]), **arrays)


def fit_answer_scale(train: Sequence[BatterySeries], task: Task, seed: int) -> AnswerScale:
    """Fit the scale on the training batteries.

    Raises
    ------
    FitError: the task uses capacity and no row has it.
    """
    low, high = fit_limits(np.concatenate([s.features for s in train]))
    pcl = 0.0
    if task.use_capacity_history:
        pcl = 1.0 - float(require_capacity(np.concatenate([s.soh for s in train])).mean())
    generator = np.random.default_rng(seed)
    asked = [ask_labelled(s, task, generator)[0] for s in train]
    inputs = np.concatenate(
        [raw_inputs(s, a, task, low, high) for s, a in zip(train, asked, strict=True)]
    )
    stds = np.nanstd(inputs, axis=0)
    unbounded = np.full(len(task.targets), np.inf)
    scale = AnswerScale(
        task,
        low,
        high,
        means=np.nan_to_num(np.nanmean(inputs, axis=0)),
        stds=np.where(stds > 1e-12, stds, 1.0),
        least=np.nan_to_num(np.nanmin(inputs, axis=0)),
        most=np.nan_to_num(np.nanmax(inputs, axis=0)),
        pcl=pcl,
        floor=-unbounded,
        top=unbounded,
    )
    floor, top = _bounds(make_table(train, task, scale, seed).learned, task)
    return replace(scale, floor=floor, top=top)


def raw_inputs(
    series: BatterySeries, asked: Asked, task: Task, low: Floats, high: Floats
) -> Floats:
    """Return inputs (m, P) with outliers clipped; NaN where no capacity is known yet."""
    return causal_features(
        replace(series, features=np.clip(series.features, low, high)), asked, task
    )


def _bounds(learned: Floats, task: Task) -> tuple[Floats, Floats]:
    """Return the limits of learned answers, which keep a linear model from extrapolating too far.

    The limit of RUL is the longest RUL in training.
    """
    least, most = np.nanmin(learned, axis=0), np.nanmax(learned, axis=0)
    margin = MARGIN * (most - least)
    is_rul = np.array([name == "RUL" for name in task.targets])
    return np.where(is_rul, 0.0, least - margin), np.where(is_rul, most, most + margin)


def make_table(
    batteries: Sequence[BatterySeries], task: Task, scale: AnswerScale, seed: int
) -> Table:
    """Return the labelled questions of some batteries; forecasts use random horizons."""
    generator = np.random.default_rng(seed)
    inputs, learned, offsets = [], [], []
    for series in batteries:
        for _ in range(DRAWS if task.is_forecast else 1):
            asked, answers = ask_labelled(series, task, generator)
            offset = scale.offset(series, asked)
            inputs.append(scale.inputs(series, asked))
            learned.append(scale.learn(answers, offset))
            offsets.append(offset)
    parts = (np.concatenate(part) for part in (inputs, learned, offsets))
    return Table(*parts)
