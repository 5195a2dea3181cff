"""The life that a test predicts for batteries whose remaining life nobody knows.

Predicted life = cycle + predicted RUL at the last predicted cycle, which uses every measured row of
the battery: of an estimate its last row, of a forecast so many cycles beyond it. The ends of the
life are those of the interval around that RUL.
"""

import numpy as np
import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.evaluation.evaluations import UNSEEN
from db.tables import BatteryUnit, TestJobBattery, TestJobPrediction

COLUMNS = [
    "battery_code",
    "exposure",
    "at_cycle",
    "predicted_rul",
    "predicted_life",
    "life_low",
    "life_high",
]


def predicted_lives(session: Session, user: CurrentUser, test_id: int) -> pd.DataFrame:
    """Predicted life of each battery of a finished test that has no RUL label, by code.

    Returns
    -------
    battery_code, exposure, at_cycle (the last predicted cycle), predicted_rul, predicted_life,
    life_low, life_high (cycles; NaN where the prediction has no interval)
    """
    guard.get_result(session, user, test_id)
    prediction = TestJobPrediction
    last = (
        select(prediction.battery_id, func.max(prediction.cycle_num).label("at_cycle"))
        .where(prediction.test_job_id == test_id, prediction.target == "RUL")
        .group_by(prediction.battery_id)
        .having(func.count(prediction.y_true) == 0)
        .subquery()
    )
    rows = session.execute(
        select(
            BatteryUnit.battery_code,
            TestJobBattery.exposure,
            prediction.cycle_num,
            prediction.y_pred,
            prediction.y_lower,
            prediction.y_upper,
        )
        .join(last, (last.c.battery_id == prediction.battery_id))
        .join(BatteryUnit, BatteryUnit.id == prediction.battery_id)
        .join(
            TestJobBattery,
            (TestJobBattery.battery_id == prediction.battery_id)
            & (TestJobBattery.test_job_id == prediction.test_job_id),
        )
        .where(
            prediction.test_job_id == test_id,
            prediction.target == "RUL",
            prediction.cycle_num == last.c.at_cycle,
        )
    )
    return _lives([(code, exposure or UNSEEN, *numbers) for code, exposure, *numbers in rows])


def _lives(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    names = ["battery_code", "exposure", "at_cycle", "predicted_rul", "lower", "upper"]
    frame = pd.DataFrame(rows, columns=names)
    frame = frame.astype({"at_cycle": np.int64, **dict.fromkeys(names[3:], np.float64)})
    frame = frame.sort_values("battery_code", ignore_index=True)
    frame["predicted_life"] = frame["at_cycle"] + frame["predicted_rul"]
    frame["life_low"] = frame["at_cycle"] + frame["lower"].clip(lower=0.0)
    frame["life_high"] = frame["at_cycle"] + frame["upper"].clip(lower=0.0)
    return frame[COLUMNS]
