"""Cycle life predicted from the first k cycles of a battery, and its error against k."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import InvalidInput, NotFound
from core.evaluation.evaluations import UNSEEN
from core.measures.metrics import share_within
from core.model_versions.provenance import get_job_roles
from core.model_versions.versions import get_model_info
from db.tables import BatteryUnit, TestJob, TestJobBattery, TestJobPrediction

CYCLES_SEEN = tuple(range(20, 151, 10))
ERROR_COLUMNS = ["cycles_seen", "n_batteries", "rmse", "median_absolute", "within_15"]


@dataclass(frozen=True)
class CyclesSeenErrors:
    """Errors of cycle life against cycles seen, in cycles, over the same batteries for all tests.

    tests : test_id, cycles_seen, n_batteries, rmse, median_absolute, within_15 (share of batteries
        whose life is told within 15 % of the true one)
    floor : the same without test_id, for the mean life of the training batteries that outlived
        the cycles seen; empty where no such battery has a known life
    n_training : training batteries with a known life
    """

    tests: pd.DataFrame
    floor: pd.DataFrame
    n_training: int


def get_cycles_seen(
    session: Session, user: CurrentUser, test_ids: Sequence[int]
) -> CyclesSeenErrors:
    """Errors of finished estimates of RUL; the floor is that of the first test's model.

    Raises
    ------
    InvalidInput
        One of the tests is a forecast or has no RUL.
    """
    own = session.scalars(guard.visible_results(user).where(TestJob.id.in_(test_ids)))
    tests = {test.id: test for test in own}
    if set(tests) != set(test_ids):
        raise NotFound("result")
    if any(test.horizon or test.target == "PCL" for test in tests.values()):
        raise InvalidInput("Cycle life from the cycles seen needs estimates of remaining life.")
    parts = [
        told_lives(_predictions(session, test_id)).assign(test_id=test_id) for test_id in test_ids
    ]
    lives = _common(pd.concat(parts, ignore_index=True), len(parts))
    summaries = [
        life_errors(rows).assign(test_id=test_id) for test_id, rows in lives.groupby("test_id")
    ]
    training = _training_lives(session, user, tests[test_ids[0]].model_version_id)
    return CyclesSeenErrors(
        pd.concat(summaries, ignore_index=True)
        if summaries
        else pd.DataFrame(columns=["test_id", *ERROR_COLUMNS]),
        life_errors(mean_life_floor(lives[lives["test_id"] == test_ids[0]], training)),
        len(training),
    )


def told_lives(predictions: pd.DataFrame, cycles_seen: Sequence[int] = CYCLES_SEEN) -> pd.DataFrame:
    """Predicted cycle life after so many cycles, of the batteries still alive then.

    After k cycles the last recorded cycle c <= k counts: the predicted life is c + RUL(c). A
    battery without a label at c, or with its end of life by cycle k, is left out.

    Parameters
    ----------
    predictions : battery_code, cycle_num, y_true, y_pred (RUL in cycles, y_true NaN if unknown)

    Returns
    -------
    cycles_seen, battery_code, true_life, told_life; by cycles seen and code
    """
    rows = predictions.sort_values("cycle_num", kind="stable")
    parts = []
    for seen in cycles_seen:
        last = rows[rows["cycle_num"] <= seen].groupby("battery_code", sort=True).tail(1)
        last = last.sort_values("battery_code")
        part = pd.DataFrame(
            {
                "cycles_seen": seen,
                "battery_code": last["battery_code"],
                "true_life": last["cycle_num"] + last["y_true"],
                "told_life": last["cycle_num"] + last["y_pred"],
            }
        )
        parts.append(part[part["true_life"] > seen])
    return pd.concat(parts, ignore_index=True)


def mean_life_floor(lives: pd.DataFrame, training_lives: np.ndarray) -> pd.DataFrame:
    """Replace `told_life` by the mean of the training lives that exceed the cycles seen.

    Parameters
    ----------
    lives : as `told_lives` gives them
    training_lives : (n,) cycles
    """
    means = {
        seen: float(np.mean(training_lives[training_lives > seen]))
        for seen in lives["cycles_seen"].unique()
        if (training_lives > seen).any()
    }
    return lives.assign(told_life=lives["cycles_seen"].map(means)).dropna(subset=["told_life"])


def life_errors(lives: pd.DataFrame) -> pd.DataFrame:
    """Root mean square and median of the absolute errors, and the share within 15 %.

    Parameters
    ----------
    lives : as `told_lives` gives them
    """
    records = []
    for seen in sorted(lives["cycles_seen"].unique()):
        part = lives[lives["cycles_seen"] == seen]
        error = (part["told_life"] - part["true_life"]).to_numpy(np.float64)
        right = share_within(part["true_life"].to_numpy(), part["told_life"].to_numpy())
        rmse, median = np.sqrt(np.mean(error**2)), np.median(np.abs(error))
        records.append((int(seen), len(part), float(rmse), float(median), right))
    return pd.DataFrame(records, columns=ERROR_COLUMNS)


def _common(lives: pd.DataFrame, n_tests: int) -> pd.DataFrame:
    """Keep, at each number of cycles seen, the batteries that every test has a life of."""
    counts = lives.groupby(["cycles_seen", "battery_code"])["test_id"].transform("size")
    return lives[counts == n_tests]


def _predictions(session: Session, test_id: int) -> pd.DataFrame:
    """RUL predictions for the first cycles of the unseen batteries."""
    prediction = TestJobPrediction
    rows = session.execute(
        select(BatteryUnit.battery_code, prediction.cycle_num, prediction.y_true, prediction.y_pred)
        .join(BatteryUnit, BatteryUnit.id == prediction.battery_id)
        .join(
            TestJobBattery,
            (TestJobBattery.test_job_id == prediction.test_job_id)
            & (TestJobBattery.battery_id == prediction.battery_id),
        )
        .where(
            prediction.test_job_id == test_id,
            prediction.target == "RUL",
            prediction.cycle_num <= CYCLES_SEEN[-1],
            TestJobBattery.exposure.is_(None) | (TestJobBattery.exposure == UNSEEN),
        )
    ).all()
    frame = pd.DataFrame(rows, columns=["battery_code", "cycle_num", "y_true", "y_pred"])
    return frame.astype({"cycle_num": "int64", "y_true": "float64", "y_pred": "float64"})


def _training_lives(session: Session, user: CurrentUser, model_id: int) -> np.ndarray:
    """Known cycle lives of the batteries that a model was fitted on."""
    roles = get_job_roles(session, user, get_model_info(session, user, model_id).job_id)
    fitted = [battery_id for battery_id, role in roles.items() if role == "train"]
    lives = session.scalars(
        guard.visible_batteries(user)
        .where(BatteryUnit.id.in_(fitted), BatteryUnit.cycle_life.is_not(None))
        .with_only_columns(BatteryUnit.cycle_life)
    )
    return np.array(list(lives), dtype=np.float64)
