"""Error of forecasts by horizon, and the horizons at which they beat the floors."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import NotFound
from core.model_versions.stored_metrics import StoredMetrics
from db.tables import TestJob, TestJobHorizonMetric

MODEL = "MODEL"
HORIZON_METRICS = ("rmse", "mae")


@dataclass(frozen=True)
class Stretch:
    """Neighbouring tested horizons, `first` to `last`, at which `method` has the lowest error."""

    method: str
    first: int
    last: int


@dataclass(frozen=True)
class Standing:
    """A model against one floor: horizons at which it beats the floor, and the others."""

    floor: str
    won: tuple[Stretch, ...]
    lost: tuple[Stretch, ...]


def horizon_errors(
    session: Session, user: CurrentUser, test_ids: Sequence[int], target: str
) -> pd.DataFrame:
    """Errors of forecasts and of their floors over the batteries that the models had never seen.

    Returns
    -------
    test_id, method (`MODEL` or the floor's key), horizon, n, n_batteries, rmse, mae in stored
    units, by horizon; tests that were made before horizons were recorded have no rows
    """
    own = session.scalars(guard.visible_results(user).where(TestJob.id.in_(test_ids)))
    if {test.id for test in own} != set(test_ids):
        raise NotFound("result")
    metric = TestJobHorizonMetric
    rows = session.execute(
        select(metric.test_job_id, metric.method, metric.horizon, metric.metrics).where(
            metric.test_job_id.in_(test_ids), metric.target == target
        )
    )
    numbers = ("n", "n_batteries", *HORIZON_METRICS)
    records = [
        (test_id, method, horizon, *map(StoredMetrics.from_json(values).value, numbers))
        for test_id, method, horizon, values in rows
    ]
    frame = pd.DataFrame(records, columns=["test_id", "method", "horizon", *numbers])
    frame = frame.astype(dict.fromkeys(numbers, "float64"))
    return frame.sort_values(["test_id", "method", "horizon"], ignore_index=True)


def compare_with_floors(errors: pd.DataFrame, metric: str) -> tuple[Standing, ...]:
    """At which horizons a model beats each of its floors; an equal error does not beat it.

    Parameters
    ----------
    errors : rows of one test, as `horizon_errors` gives them
    """
    table = _by_method(errors, metric)
    if MODEL not in table:
        return ()
    standings = []
    for floor in (name for name in table if name != MODEL):
        pair = table[[MODEL, floor]].dropna()
        better = pair[MODEL] < pair[floor]
        stretches = _stretches(better.map({True: MODEL, False: floor}))
        standings.append(
            Standing(
                str(floor),
                tuple(part for part in stretches if part.method == MODEL),
                tuple(part for part in stretches if part.method != MODEL),
            )
        )
    return tuple(standings)


def best_methods(errors: pd.DataFrame, metric: str) -> tuple[Stretch, ...]:
    """Which of a model and its floors has the lowest error at each horizon.

    At equal errors the floor counts as the better one.
    """
    table = _by_method(errors, metric).dropna(how="all")
    if table.empty:
        return ()
    floors_first = [name for name in table if name != MODEL]
    return _stretches(table[[*floors_first, *(n for n in table if n == MODEL)]].idxmin(axis=1))


def _by_method(errors: pd.DataFrame, metric: str) -> pd.DataFrame:
    return errors.pivot(index="horizon", columns="method", values=metric).sort_index()


def _stretches(winners: pd.Series) -> tuple[Stretch, ...]:
    """Join neighbouring horizons with the same winner; the index holds ascending horizons."""
    parts = [
        (str(method), [int(horizon) for horizon, _ in rows])
        for method, rows in groupby(zip(winners.index, winners, strict=True), key=itemgetter(1))
    ]
    return tuple(Stretch(method, horizons[0], horizons[-1]) for method, horizons in parts)
