"""Finished tests side by side, over the batteries that none of their models had ever seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import InvalidInput, NotFound
from core.evaluation.evaluations import UNSEEN, TestInfo, get_test_infos
from core.measures.bootstrap import Floats
from core.measures.paired import Means, Pair, compare_means, mean_differences
from core.model_versions.stored_metrics import StoredMetrics
from db.tables import BatteryUnit, TestJob, TestJobBattery, TestJobBatteryMetric, TestJobPrediction
from models.settings.catalogue import ALGORITHMS

# Lower is better in all of them, and all are stored for each battery.
COMPARED_METRICS = ("rmse", "mae", "rmspe")
CHECKED_BATTERIES = 3


@dataclass(frozen=True)
class ComparedTest:
    """One test of a comparison.

    overall : its metrics over the common batteries (as core.measures.metrics.overall gives them;
        r2 only where the common batteries are all unseen batteries of this test)
    n_unseen : labelled batteries that its model had never seen, common or not
    """

    info: TestInfo
    overall: StoredMetrics
    n_unseen: int

    @property
    def is_floor(self) -> bool:
        """Whether its algorithm is a floor."""
        return is_floor(self.info.algorithm)


@dataclass(frozen=True)
class Comparison:
    """Tests of one dataset and target, over the batteries unseen by all of their models.

    batteries : battery_code, test_id, n, mae, rmse, ... of the common batteries
    means : mean over those batteries of `metric`, in the order of `tests`, with possible ranks
    pairs : the difference of every two tests over all batteries that neither of their two models
        had seen, so that it does not depend on what else is compared
    horizons_differ : the tests look differently far ahead, so they answer different questions
    labels_differ : the labels of the dataset changed between these tests
    """

    target: str
    metric: str
    tests: tuple[ComparedTest, ...]
    codes: tuple[str, ...]
    batteries: pd.DataFrame
    means: Means
    pairs: tuple[Pair, ...]
    horizons_differ: bool
    labels_differ: bool


def compare_tests(
    session: Session,
    user: CurrentUser,
    test_ids: Sequence[int],
    target: str,
    metric: str = "rmse",
) -> Comparison:
    """Compare two or more finished tests of the same dataset that have a target in common.

    Raises
    ------
    InvalidInput
        The tests differ in dataset, target or the labels they were scored against, or no battery
        is unseen by all of the models.
    """
    ids = list(dict.fromkeys(test_ids))
    infos = get_test_infos(session, user, ids)
    _require_comparable(infos, target, metric)
    errors = unseen_errors(session, user, ids, target)
    codes = common_codes(errors, ids, metric)
    if not codes:
        raise InvalidInput(
            "There is no labelled battery that none of these models had seen, so nothing can be "
            "compared fairly. Test them on the same unseen batteries, or compare fewer."
        )
    return _compared(session, infos, errors, codes, target, metric)


def unseen_errors(
    session: Session, user: CurrentUser, test_ids: Sequence[int], target: str
) -> pd.DataFrame:
    """Errors of the labelled batteries that the models had never seen.

    Returns
    -------
    test_id, battery_code, n, mae, mse, rmse, r2, rmspe, mape and further metrics; a row per test
    and battery, by code
    """
    metric, battery = TestJobBatteryMetric, TestJobBattery
    own = session.scalars(guard.visible_results(user).where(TestJob.id.in_(test_ids)))
    if {test.id for test in own} != set(test_ids):
        raise NotFound("result")
    rows = session.execute(
        select(metric.test_job_id, BatteryUnit.battery_code, metric.metrics, battery.exposure)
        .join(BatteryUnit, BatteryUnit.id == metric.battery_id)
        .join(
            battery,
            (battery.test_job_id == metric.test_job_id) & (battery.battery_id == metric.battery_id),
        )
        .where(metric.test_job_id.in_(test_ids), metric.target == target)
    )
    records = [
        {"test_id": test_id, "battery_code": code, **StoredMetrics.from_json(values).content()}
        for test_id, code, values, exposure in rows
        if (exposure or UNSEEN) == UNSEEN
    ]
    columns = ["test_id", "battery_code", "n", "mae", "mse", "rmse", "r2", "rmspe", "mape"]
    frame = pd.DataFrame(records).reindex(
        columns=[*columns, *sorted({name for record in records for name in record} - {*columns})]
    )
    numbers = [name for name in frame.columns if name != "battery_code"]
    frame = frame.astype(dict.fromkeys(numbers, "float64")).astype({"test_id": "int64"})
    return frame.sort_values(["battery_code", "test_id"], ignore_index=True)


def common_codes(errors: pd.DataFrame, test_ids: Sequence[int], metric: str) -> list[str]:
    """Codes of batteries whose metric is known in every one of these tests."""
    known = errors[errors["test_id"].isin(test_ids) & np.isfinite(errors[metric])]
    counts = known.groupby("battery_code")["test_id"].nunique()
    return sorted(str(code) for code in counts.index[counts == len(test_ids)])


def own_pairs(errors: pd.DataFrame, test_ids: Sequence[int], metric: str) -> tuple[Pair, ...]:
    """Every two tests over the batteries that neither of their models had seen.

    Parameters
    ----------
    errors : as `unseen_errors` gives them
    """
    known = errors[errors["test_id"].isin(test_ids) & np.isfinite(errors[metric])]
    wide = known.pivot(index="battery_code", columns="test_id", values=metric).sort_index()
    places = list(combinations(range(len(test_ids)), 2))
    values = [(wide[test_ids[i]] - wide[test_ids[j]]).dropna().to_numpy() for i, j in places]
    found = mean_differences(values)
    return tuple(Pair(i, j, part) for (i, j), part in zip(places, found, strict=True))


def label_groups_of(infos: Sequence[TestInfo], target: str) -> dict[str, list[TestInfo]]:
    """Tests by the labels that they were scored against, the largest group first."""
    groups: dict[str, list[TestInfo]] = {}
    for info in infos:
        groups.setdefault(info.label_group(target), []).append(info)
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def pooled(target: str, rows: pd.DataFrame) -> StoredMetrics:
    """Pool the metrics of single batteries over all their cycles, and add their means (macro)."""
    percentages = ("rmspe", "rmspe_pcl") if target == "PCL" else ("rmspe",)
    cycles = rows["n"].to_numpy()
    result: dict[str, Any] = {
        "n": int(cycles.sum()),
        "mae": float(np.average(rows["mae"], weights=cycles)),
        "mse": float(np.average(rows["rmse"] ** 2, weights=cycles)),
        "n_batteries": len(rows),
    }
    result["rmse"] = float(np.sqrt(result["mse"]))
    for name in percentages:
        if name in rows:
            left_out = rows.get(f"{name}_left_out", pd.Series(0.0, rows.index)).fillna(0.0)
            result[name] = _pooled_percentage(rows[name].to_numpy(), cycles - left_out.to_numpy())
            result[f"{name}_left_out"] = int(left_out.sum())
    if "mape" in rows:
        left_out = rows.get("mape_left_out", pd.Series(0.0, rows.index)).fillna(0.0)
        result["mape"] = _pooled_mean(rows["mape"].to_numpy(), cycles - left_out.to_numpy())
        result["mape_left_out"] = int(left_out.sum())
    result["macro"] = {
        name: _macro(rows[name]) for name in ("mae", "rmse", "rmspe", "mape") if name in rows
    }
    return StoredMetrics.from_json(result)


def is_floor(algorithm: str) -> bool:
    """Whether an algorithm is a floor, which every model must beat."""
    return algorithm in ALGORITHMS and ALGORITHMS[algorithm].is_floor


def matrix(batteries: pd.DataFrame, test_ids: Sequence[int], metric: str) -> Floats:
    """The metric as a matrix: a row per battery, by code; a column per test, as in `test_ids`."""
    wide = batteries.pivot(index="battery_code", columns="test_id", values=metric)
    values: Floats = wide.sort_index()[list(test_ids)].to_numpy(dtype=np.float64)
    return values


def _compared(
    session: Session,
    infos: Sequence[TestInfo],
    errors: pd.DataFrame,
    codes: list[str],
    target: str,
    metric: str,
) -> Comparison:
    ids = [info.id for info in infos]
    shared = errors[errors["battery_code"].isin(codes)].reset_index(drop=True)
    return Comparison(
        target=target,
        metric=metric,
        tests=tuple(_test(info, errors, shared, target) for info in infos),
        codes=tuple(codes),
        batteries=shared,
        means=compare_means(matrix(shared, ids, metric)),
        pairs=own_pairs(errors, ids, metric),
        horizons_differ=len({info.horizon for info in infos}) > 1,
        labels_differ=_labels_differ(session, infos, target, codes),
    )


def _test(info: TestInfo, errors: pd.DataFrame, shared: pd.DataFrame, target: str) -> ComparedTest:
    own = errors[errors["test_id"] == info.id]
    rows = shared[shared["test_id"] == info.id]
    complete = len(rows) == len(own) and info.overall.get(target)
    return ComparedTest(info, info.overall[target] if complete else pooled(target, rows), len(own))


def _pooled_percentage(values: Floats, cycles: Floats) -> float | None:
    known = np.isfinite(values) & (cycles > 0)
    if not known.any():
        return None
    return float(np.sqrt(np.average(values[known] ** 2, weights=cycles[known])))


def _pooled_mean(values: Floats, cycles: Floats) -> float | None:
    """Mean over all cycles; None where a battery's own mean was not stored."""
    counted = cycles > 0
    if not counted.any() or not np.isfinite(values[counted]).all():
        return None
    return float(np.average(values[counted], weights=cycles[counted]))


def _macro(values: pd.Series) -> float | None:
    known = values.dropna()
    return float(known.mean()) if len(known) else None


def _labels_differ(
    session: Session, infos: Sequence[TestInfo], target: str, codes: Sequence[str]
) -> bool:
    """Whether tests of one horizon had different true values; a few batteries are compared."""
    prediction = TestJobPrediction
    rows = session.execute(
        select(
            prediction.test_job_id,
            prediction.battery_id,
            func.count(prediction.y_true),
            func.sum(prediction.y_true),
        )
        .join(BatteryUnit, BatteryUnit.id == prediction.battery_id)
        .where(
            prediction.test_job_id.in_([info.id for info in infos]),
            prediction.target == target,
            BatteryUnit.battery_code.in_(codes[:CHECKED_BATTERIES]),
        )
        .group_by(prediction.test_job_id, prediction.battery_id)
    )
    horizon = {info.id: info.horizon for info in infos}
    seen: dict[tuple[int, int], set[tuple[int, str]]] = {}
    for test_id, battery_id, count, total in rows:
        seen.setdefault((horizon[test_id], battery_id), set()).add((count, f"{total or 0:.8g}"))
    return any(len(values) > 1 for values in seen.values())


def _require_comparable(infos: Sequence[TestInfo], target: str, metric: str) -> None:
    if len(infos) < 2:
        raise InvalidInput("Choose two or more tests to compare.")
    names = list(dict.fromkeys(info.dataset_name for info in infos))
    if len({info.dataset_id for info in infos}) > 1:
        named = f" ({', '.join(names)})" if len(names) > 1 else ""
        raise InvalidInput(
            f"These tests are of different datasets{named}: only tests on the same batteries can "
            "be compared. Test the models on one dataset."
        )
    for info in infos:
        if target not in info.targets:
            raise InvalidInput(f"{info.title!r} does not predict {target}. Leave it out.")
    if len(label_groups_of(infos, target)) > 1:
        raise InvalidInput(
            f"These tests scored {target} against labels of different ends of life, so their "
            "errors do not answer the same question. Compare those of one end of life."
        )
    if metric not in COMPARED_METRICS:
        raise InvalidInput(f"Compare by {', '.join(COMPARED_METRICS)}, not by {metric!r}.")
