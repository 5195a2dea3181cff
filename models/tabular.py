"""Questions about many batteries as one table, and the scale on which answers are learned."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from models.causal import causal_features, last_pcl
from models.one_round import ask_labelled
from models.predictor import Asked
from models.scaling import LONGEST_FACTOR, fit_limits
from models.series import BatterySeries, Floats, Task

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

    low, high (F,): features are clipped to them. fill (P,): stands for inputs that are not known.
    pcl (fraction): stands for the last measured PCL before there is one. longest (cycles).
    """

    task: Task
    low: Floats
    high: Floats
    fill: Floats
    pcl: float
    longest: float

    def inputs(self, series: BatterySeries, asked: Asked) -> Floats:
        """Return the inputs of some questions, (m, P), finite."""
        clipped = replace(series, features=np.clip(series.features, self.low, self.high))
        found = causal_features(clipped, asked, self.task)
        return np.where(np.isnan(found), self.fill, found)

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
        top = np.log1p(self.longest)
        columns = [
            np.expm1(np.clip(y, 0.0, top)) - known if name == "RUL" else y + known
            for name, y, known in zip(self.task.targets, learned.T, offset.T, strict=True)
        ]
        return np.column_stack(columns)

    def content(self) -> dict[str, Any]:
        """Return tensors and plain values."""
        arrays = {name: torch.tensor(getattr(self, name)) for name in ("low", "high", "fill")}
        return {**arrays, "pcl": self.pcl, "longest": self.longest}


def restore_scale(content: dict[str, Any], task: Task) -> AnswerScale:
    """Rebuild a scale; raises KeyError, TypeError or ValueError if it is damaged."""
    low, high, fill = (content[name].numpy() for name in ("low", "high", "fill"))
    return AnswerScale(task, low, high, fill, float(content["pcl"]), float(content["longest"]))


def fit_answer_scale(train: Sequence[BatterySeries], task: Task) -> AnswerScale:
    """Fit everything on the training batteries."""
    low, high = fit_limits(np.concatenate([s.features for s in train]))
    pcl = 1.0 - np.concatenate([s.soh for s in train])
    answers: Floats = np.concatenate([s.targets for s in train])
    longest = 1.0
    if "RUL" in task.targets:
        longest = LONGEST_FACTOR * float(np.nanmax(answers[:, task.targets.index("RUL")]))
    known = pcl[np.isfinite(pcl)]
    blank = AnswerScale(task, low, high, np.array(np.nan), 0.0, longest)
    inputs = np.concatenate([blank.inputs(s, _every_row(s)) for s in train])
    return replace(
        blank, fill=np.nanmean(inputs, axis=0), pcl=float(known.mean()) if len(known) else 0.0
    )


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


def _every_row(series: BatterySeries) -> Asked:
    return Asked(np.arange(len(series)), np.asarray(series.cycle_num))
