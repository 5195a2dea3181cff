"""Changes nominal capacity or end of life of a dataset: preview, then recompute the labels.

Labels from the file stay as they are, and whatever is computed follows the rules of now. The
dataset's `labels_version` goes up by 1, so that models trained on the old labels can be marked.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Integer, bindparam, case, func, select, update
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import Conflict
from core.datasets.battery_sketches import sketch_batteries
from core.datasets.datasets import battery_ids, labels_version_of
from core.datasets.label_change import LabelChange, NominalCapacity, compute_change
from core.ingest.early_end import starting_below
from core.ingest.feature_schema import LABEL_RULES, FeatureSchema
from core.ingest.labels import common_nominal
from core.ingest.mapping import EolRule
from core.removal.active_work import below_datasets, models_of, refuse_active_work
from db.tables import (
    BatteryUnit,
    CycleData,
    Dataset,
    ModelVersion,
    TrainingJob,
)

LABEL_COLUMNS = {"PCL": "pcl", "RUL": "rul"}


@dataclass(frozen=True)
class RelabelPreview:
    """What a change of labels would do.

    batteries, cycles : number of those in which any label would change
    labelled_before, labelled_after : batteries with labels, by "PCL" and "RUL"
    lives_before, lives_after : shortest and longest cycle life (cycles), None where none is known
    starting_below : batteries whose cycle life would be their first cycle
    models_affected : models that were trained on the present labels
    corrects_rules : the present labels follow older rules, the new ones those of now
    """

    batteries: int
    cycles: int
    labelled_before: dict[str, int]
    labelled_after: dict[str, int]
    lives_before: tuple[int, int] | None
    lives_after: tuple[int, int] | None
    starting_below: int
    models_affected: int
    corrects_rules: bool


def preview_relabel(
    session: Session,
    user: CurrentUser,
    dataset_id: int,
    nominal_capacity_ah: NominalCapacity,
    eol: EolRule | None,
) -> RelabelPreview:
    """Preview `apply_relabel`, with the same parameters and errors; nothing is written."""
    change = compute_change(session, user, dataset_id, nominal_capacity_ah, eol)
    return _summarise(session, dataset_id, change)


def apply_relabel(
    session: Session,
    user: CurrentUser,
    dataset_id: int,
    nominal_capacity_ah: NominalCapacity,
    eol: EolRule | None,
) -> RelabelPreview:
    """Recompute the labels of a dataset that the user owns; returns what changed.

    Parameters
    ----------
    nominal_capacity_ah : of every battery, or by battery code (those left out keep theirs);
        None leaves all as they are
    eol : None leaves the rule as it is

    Raises
    ------
    InvalidInput
        The labels to change came with the file, or a number is out of range.
    Conflict
        A training, test, export or study on the dataset waits or runs.
    """
    # Read and computed before the first statement of `session`, so that no lock is held meanwhile.
    with read_scope() as reader:
        change = compute_change(reader, user, dataset_id, nominal_capacity_ah, eol)
    return store_change(session, user, dataset_id, change)


def store_change(
    session: Session, user: CurrentUser, dataset_id: int, change: LabelChange
) -> RelabelPreview:
    """Write a change of labels that was computed before; `Conflict` as in `apply_relabel`."""
    dataset = guard.get_correctable_dataset(session, user, dataset_id, lock=True)
    if labels_version_of(dataset.feature_schema) != change.labels_version:
        raise Conflict("The labels were changed by somebody else meanwhile. Look again first.")
    refuse_active_work(session, below_datasets([dataset.id]), "Its labels cannot be changed yet")
    preview = _summarise(session, dataset.id, change)
    ids = battery_ids(session, user, dataset.id, list(change.batteries["battery_code"]))
    touched = set(change.old.loc[change.changed, "battery_code"].astype(str))
    _update_cycles(session, change, {code: ids[code] for code in touched})
    _update_batteries(session, change, ids)
    _update_schema(session, dataset, change)
    return preview


def _summarise(session: Session, dataset_id: int, change: LabelChange) -> RelabelPreview:
    models = select(func.count()).where(
        ModelVersion.id.in_(models_of(TrainingJob.dataset_id == dataset_id))
    )
    return RelabelPreview(
        batteries=int(change.old.loc[change.changed, "battery_code"].nunique()),
        cycles=int(change.changed.sum()),
        labelled_before=_labelled(change.old),
        labelled_after=_labelled(change.new),
        lives_before=_range(change.old_lives),
        lives_after=_range(change.batteries["cycle_life"]),
        starting_below=len(starting_below(change.new, change.batteries, change.origins)),
        models_affected=int(session.scalar(models) or 0),
        corrects_rules=change.label_rules < LABEL_RULES,
    )


def _labelled(cycles: pd.DataFrame) -> dict[str, int]:
    return {
        target: int(cycles.loc[cycles[column].notna(), "battery_code"].nunique())
        for target, column in LABEL_COLUMNS.items()
    }


def _range(lives: pd.Series) -> tuple[int, int] | None:
    known = lives.dropna()
    return (int(known.min()), int(known.max())) if len(known) else None


def _update_cycles(session: Session, change: LabelChange, ids: dict[str, int]) -> None:
    """Compute the labels inside the database, one statement per battery, so that no row is sent."""
    of_battery = update(CycleData).where(CycleData.battery_id == bindparam("battery"))
    nominal: Any = bindparam("nominal")
    values: dict[str, Any] = {}
    if change.origins.pcl == "computed":
        values["pcl"] = 1.0 - CycleData.capacity_ah / nominal
    if change.origins.capacity == "computed":
        values["capacity_ah"] = (1.0 - CycleData.pcl) * nominal
    if values:
        rows = [{"battery": i, "nominal": change.nominal[code]} for code, i in ids.items()]
        _execute(session, of_battery, values, rows)
    lives, life = change.lives(), bindparam("life", type_=Integer)
    rows = [{"battery": i, "life": lives[code]} for code, i in ids.items() if code in lives]
    left = case((CycleData.cycle_num <= life, life - CycleData.cycle_num), else_=None)
    _execute(session, of_battery, {"rul": left}, rows)
    # RUL from the file stays up to the end of life.
    rows = [{"battery": ids[c], "life": n} for c, n in change.file_lives().items() if c in ids]
    kept = case((CycleData.cycle_num <= life, CycleData.rul), else_=None)
    _execute(session, of_battery, {"rul": kept}, rows)


def _execute(session: Session, statement: Any, values: dict[str, Any], rows: list[Any]) -> None:
    if rows:
        session.connection().execute(statement.values(**values), rows)


def _update_batteries(session: Session, change: LabelChange, ids: dict[str, int]) -> None:
    columns = ("nominal_capacity", "cycle_life", "first_capacity_ah", "last_capacity_ah")
    sketches = sketch_batteries(change.new, change.nominal)
    rows = [
        {"battery": ids[row["battery_code"]], "sketch": sketches[row["battery_code"]]}
        | {f"new_{name}": None if pd.isna(row[name]) else row[name] for name in columns}
        for row in change.batteries.astype(object).to_dict("records")
    ]
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
    values["capacity_sketch"] = bindparam("sketch")
    _execute(
        session, update(BatteryUnit).where(BatteryUnit.id == bindparam("battery")), values, rows
    )


def _update_schema(session: Session, dataset: Dataset, change: LabelChange) -> None:
    schema = FeatureSchema.from_json(dataset.feature_schema)
    dataset.feature_schema = schema.changed(
        labels=change.origins.describe(change.eol),
        eol=change.eol,
        nominal_capacity_ah=common_nominal(change.batteries["nominal_capacity"]),
        labels_version=schema.labels_version + 1,
        label_rules=LABEL_RULES,
    ).to_json()
    session.flush()
