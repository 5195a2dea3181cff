"""Questions about many batteries as one table, and the scale on which answers are learned."""

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

# PCL is never answered further outside the range of training than this share of its width.
MARGIN = 0.1
# How often each row is asked for from a drawn number of cycles before it; forecasts only.
DRAWS = 3


@dataclass(frozen=True)
class Table:
    """inputs (m, P) finite; learned (m, T) on the learned scale, NaN where unlabelled.

    offset (m, T): what is known without learning, see `AnswerScale.offset`.
    """

    inputs: Floats
    learned: Floats
    offset: Floats


@dataclass(frozen=True)
class AnswerScale:
    """Inputs without glitches or gaps, and answers on a scale on which errors are comparable.

    RUL is learned as log(1 + RUL at the source row): an error of ten cycles matters at 20, not at
    2,000; the cycles between source and question are then subtracted, exactly. PCL is learned as
    its change since the last measured one where the task may use it, else as it is.

    low, high (F,): features are clipped to them. means, stds, least, most (P,): of the inputs over
    the training rows; the mean stands for inputs that are not known. pcl (fraction): stands for the
    last measured PCL before there is one. floor, top (T,): learned answers are clipped to them.
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
        """Return what is known without learning, (m, T): the last PCL, or the age of the source."""
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
    """Fit everything on the training batteries.

    Raises
    ------
    FitError: capacity is asked for and never known.
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
    """Return inputs (m, P) with glitches clipped; NaN where no capacity is known yet."""
    return causal_features(
        replace(series, features=np.clip(series.features, low, high)), asked, task
    )


def _bounds(learned: Floats, task: Task) -> tuple[Floats, Floats]:
    """Return what learned answers are clipped to: a linear model must not run away.

    RUL is never answered above the longest one in training.
    """
    least, most = np.nanmin(learned, axis=0), np.nanmax(learned, axis=0)
    margin = MARGIN * (most - least)
    is_rul = np.array([name == "RUL" for name in task.targets])
    return np.where(is_rul, 0.0, least - margin), np.where(is_rul, most, most + margin)


def make_table(
    batteries: Sequence[BatterySeries], task: Task, scale: AnswerScale, seed: int
) -> Table:
    """Return the labelled questions of some batteries; forecasts draw how far they look ahead."""
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
