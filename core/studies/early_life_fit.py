"""Carries out a study of cycle life from early cycles, in the background process."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import TaskFailed
from core.datasets.cycles import load_cycles
from core.datasets.datasets import Feature, get_dataset_summary, list_batteries
from core.measures.bootstrap import draw_means, interval_of_draws
from core.measures.metrics import share_within
from core.studies.battery_table import (
    SHORTED_LIFE,
    BatteryTable,
    Floats,
    check_table,
    is_severson,
)
from core.studies.early_life import ROLE_GROUPS, group_labels
from core.studies.early_life_features import complete_columns, early_features
from core.studies.early_life_models import FittedModel, Fitting
from core.studies.studies import StudyAssignment

Report = Callable[[str, float], None]
LeftOut = list[tuple[str, str]]
SUSPICIOUS = 0.99
RESAMPLES = 10_000


def study_early_life(assignment: StudyAssignment, report: Report) -> dict[str, Any]:
    """Fit and score all models of a study; returns the JSON that `early_life` parses."""
    settings = assignment.settings
    report("Reading batteries", 0.05)
    k = settings.k
    if k is None:
        table = BatteryTable.from_json(settings.table or {})
        left_out = list(settings.left_out)
    else:
        table, left_out = _table_of_dataset(assignment.user, assignment.dataset_id or 0, k)
        check_table(table)
    return compute(
        table,
        source=settings.source or "dataset",
        k=k,
        variance=settings.variance,
        left_out=left_out,
        report=report,
    )


def compute(
    table: BatteryTable,
    *,
    source: str,
    k: int | None,
    variance: str | None,
    left_out: LeftOut,
    report: Report,
) -> dict[str, Any]:
    """Fit every model on the training batteries and score all groups."""
    known = is_severson(table.groups, table.cycle_life)
    shorted = _shorted(table) if known else None
    models = _fit_all(table, variance, report)
    predicted = {model.key: model.predict(table.features) for model in models}
    report("Computing intervals", 0.9)
    return {
        "k": k,
        "is_severson": known,
        "group_labels": group_labels(source, known),
        "counts": table.counts(),
        "chosen": min((m for m in models if not m.is_floor), key=lambda m: m.cv_rmse).key,
        "models": [_described(table, model, predicted[model.key], shorted) for model in models],
        "batteries": {
            "codes": list(table.codes),
            "groups": list(table.groups),
            "cycle_life": table.cycle_life.tolist(),
            "predicted": {key: _rounded(values) for key, values in predicted.items()},
        },
        "left_out": [list(item) for item in left_out],
        "notes": [*_notes(source, shorted), *_suspicious(table)],
        "shorted": shorted,
    }


def _fit_all(table: BatteryTable, variance: str | None, report: Report) -> list[FittedModel]:
    train = table.rows_of("train")
    fitting = Fitting(table.features[train], table.cycle_life[train])
    steps: list[tuple[str, Callable[[], FittedModel]]] = [
        ("Variance model", lambda: fitting.variance(table.names.index(variance or "")))
        if variance
        else ("Best single feature", lambda: fitting.single(table.names)),
        ("Ridge", fitting.ridge),
        ("PCR", fitting.pcr),
        ("PLSR", fitting.plsr),
        ("Mean", fitting.mean),
    ]
    models = []
    for number, (label, fit) in enumerate(steps):
        report(f"Fitting {label}", 0.1 + 0.8 * number / len(steps))
        models.append(fit())
    return models


def _described(
    table: BatteryTable, model: FittedModel, predicted: Floats, shorted: str | None
) -> dict[str, Any]:
    if not np.isfinite(predicted).all():
        raise TaskFailed(
            f"{model.label} predicts no finite lives. Leave features with extreme values out."
        )
    scores = {}
    for group in table.counts():
        rows = table.rows_of(group)
        scores[group] = _scores(table.cycle_life[rows], predicted[rows])
        without = rows & (np.array(table.codes) != shorted)
        if shorted and without.sum() < rows.sum():
            rest = _scores(table.cycle_life[without], predicted[without])
            scores[group] |= {"rmse_without": rest["rmse"], "mape_without": rest["mape"]}
    return {
        "key": model.key,
        "label": model.label,
        "setting": model.setting,
        "is_floor": model.is_floor,
        "cv_rmse": model.cv_rmse,
        "effects": [[table.names[column], effect] for column, effect in model.effects.items()],
        "scores": scores,
    }


def _scores(life: Floats, predicted: Floats) -> dict[str, Any]:
    """RMSE (cycles), MAPE and the share within 15 % (%), with 95 % intervals of the first two."""
    error = np.abs(predicted - life)
    share = 100.0 * error / life
    draws = draw_means(np.column_stack([error**2, share]), resamples=RESAMPLES)
    rmse = interval_of_draws(np.sqrt(draws[:, 0]), len(life))
    mape = interval_of_draws(draws[:, 1], len(life))
    return {
        "n": len(life),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "rmse_low": rmse and rmse.low,
        "rmse_high": rmse and rmse.high,
        "mape": float(np.mean(share)),
        "mape_low": mape and mape.low,
        "mape_high": mape and mape.high,
        "within_15": 100.0 * share_within(life, predicted),
    }


def _table_of_dataset(user: CurrentUser, dataset_id: int, k: int) -> tuple[BatteryTable, LeftOut]:
    """Features of cycles <= k of the batteries that have a role and a cycle life beyond k."""
    with read_scope() as session:
        features = get_dataset_summary(session, user, dataset_id).features
        batteries = list_batteries(session, user, dataset_id).set_index("battery_code")
        columns = [*(feature.column for feature in features), "capacity_ah", "pcl"]
        cycles = load_cycles(session, user, dataset_id, columns)
    found, short = early_features(cycles, _quantities(features, cycles), k)
    left_out = [(code, f"too few cycles up to cycle {k}") for code in short]
    found = found[list(complete_columns(found))]
    usable = []
    for code in found.index:
        reason = _reason(batteries.loc[code], found.loc[code], k)
        usable.append(not reason)
        if reason:
            left_out.append((str(code), reason))
    kept = found[usable]
    chosen = batteries.loc[kept.index]
    table = BatteryTable(
        tuple(map(str, kept.index)),
        tuple(ROLE_GROUPS[role] for role in chosen["group_tag"]),
        chosen["cycle_life"].to_numpy(np.float64),
        tuple(map(str, kept.columns)),
        kept.to_numpy(np.float64),
    )
    return table, sorted(left_out)


def _quantities(features: Sequence[Feature], cycles: pd.DataFrame) -> dict[str, str]:
    names = {feature.column: feature.name for feature in features}
    has_capacity = bool(cycles["capacity_ah"].notna().any())
    return names | ({"capacity_ah": "capacity"} if has_capacity else {"pcl": "PCL"})


def _reason(battery: pd.Series, features: pd.Series, k: int) -> str:
    if battery["group_tag"] not in ROLE_GROUPS:
        return "no role in the split"
    if pd.isna(battery["cycle_life"]):
        return "no cycle life (it never reached end of life)"
    if battery["cycle_life"] <= k:
        return f"end of life at cycle {battery['cycle_life']:,}, not after cycle {k}"
    missing = features.index[features.isna()]
    return f"no {missing[0]}" if len(missing) else ""


def _shorted(table: BatteryTable) -> str | None:
    """Code of the primary test cell of Severson et al. that short-circuited, at cycle 148."""
    found = [
        code
        for code, group, life in zip(table.codes, table.groups, table.cycle_life, strict=True)
        if group == "primary" and abs(life - SHORTED_LIFE) <= 1
    ]
    return found[0] if len(found) == 1 else None


def _notes(source: str, shorted: str | None) -> list[str]:
    notes = [
        "Fitted and tuned on training batteries alone (5-fold cross-validation by battery, "
        "repeated 5 times). Everything but the mean is linear in the logarithm of cycle life."
    ]
    if shorted:
        notes.append(
            f"The primary test includes battery {shorted}, which short-circuited and lived 148 "
            "cycles; the table also gives the error without it, as the paper did."
        )
    if source == "dataset":
        notes.append(
            "Features: of each quantity the value at the last cycle looked at (median of five), "
            "its change and its slope since cycle 10, and its scatter about that straight line. "
            "No later cycle is used."
        )
        notes.append(
            "Nothing is selected by the validation batteries here, so they are a test as well. "
            "In the Severson file they are the published primary test."
        )
    return notes


def _suspicious(table: BatteryTable) -> list[str]:
    """Warn of features that follow cycle life almost exactly: they probably contain it."""
    train = table.rows_of("train")
    life = np.log10(table.cycle_life[train])
    found = []
    for column, name in enumerate(table.names):
        values = table.features[train, column]
        forms = [values, np.log10(np.abs(values))] if (values != 0).all() else [values]
        follows = [abs(np.corrcoef(form, life)[0, 1]) for form in forms if np.ptp(form) > 0]
        if max(follows, default=0.0) > SUSPICIOUS:
            found.append(
                f"{name} follows cycle life almost exactly (correlation above {SUSPICIOUS}). If it "
                "is known only after the battery has died, leave it out: it gives the answer away."
            )
    return found


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), 2) for value in values]
