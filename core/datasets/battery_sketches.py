"""Reads the sketches of batteries that a user sees; computes those that are not stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.datasets.cycles import load_cycles
from core.datasets.sketches import CapacityRecord, is_current, known_record, sketch
from db.tables import BatteryUnit


@dataclass(frozen=True)
class SketchedBattery:
    """A battery with its sketch; nominal capacity in Ah."""

    dataset_id: int
    battery_id: int
    code: str
    role: str | None
    nominal_ah: float | None
    sketch: Sequence[Any]


def sketch_batteries(
    cycles: pd.DataFrame, nominal_ah: Mapping[str, float | None]
) -> dict[str, list[Any]]:
    """Make the sketch of each battery, by code (see `core.datasets.sketches.sketch`).

    Without capacity, (1 - PCL) times the nominal capacity is used.

    Parameters
    ----------
    cycles : battery_code, cycle_num, capacity_ah and pcl, by battery and cycle
    """
    sketches = {}
    for code, part in cycles.groupby("battery_code", observed=True, sort=False):
        capacity = _capacity_ah(part, nominal_ah.get(str(code)))
        sketches[str(code)] = sketch(capacity, part["cycle_num"].to_numpy())
    return sketches


def _capacity_ah(part: pd.DataFrame, nominal_ah: float | None) -> np.ndarray:
    """Capacities of one battery, (n,); by its PCL where the file brings none."""
    capacity = part["capacity_ah"].to_numpy(np.float64, na_value=np.nan)
    if not np.isfinite(capacity).any():
        capacity = (1.0 - part["pcl"].to_numpy(np.float64, na_value=np.nan)) * (nominal_ah or 1.0)
    return capacity


def load_records(
    session: Session, user: CurrentUser, batteries: Sequence[SketchedBattery]
) -> dict[int, CapacityRecord]:
    """The capacities of some batteries, by id; batteries that the user does not see are absent."""
    by_dataset: dict[int, dict[int, SketchedBattery]] = {}
    for item in batteries:
        by_dataset.setdefault(item.dataset_id, {})[item.battery_id] = item
    records = {}
    for dataset_id, wanted in by_dataset.items():
        codes = {battery_id: item.code for battery_id, item in wanted.items()}
        cycles = load_cycles(session, user, dataset_id, ["capacity_ah", "pcl"], codes=codes)
        parts = dict(list(cycles.groupby("battery_code", observed=True, sort=False)))
        for battery_id, item in wanted.items():
            if item.code in parts:
                part = parts[item.code]
                capacity = _capacity_ah(part, item.nominal_ah)
                records[battery_id] = known_record(capacity, part["cycle_num"].to_numpy())
    return records


def load_sketches(session: Session, user: CurrentUser, dataset_id: int) -> list[SketchedBattery]:
    """All batteries of a dataset with their sketches, by code.

    Sketches of older datasets are computed but not stored, because reading never writes.
    """
    rows = _rows(session, user, dataset_id)
    if not rows:
        guard.get_dataset(session, user, dataset_id)
    return _sketched(session, user, rows).get(dataset_id, [])


def load_every_sketch(session: Session, user: CurrentUser) -> dict[int, list[SketchedBattery]]:
    """All batteries that the user sees, by dataset and code; one statement for any number."""
    return _sketched(session, user, _rows(session, user, None))


def _rows(session: Session, user: CurrentUser, dataset_id: int | None) -> Sequence[Any]:
    query = guard.visible_batteries(user)
    if dataset_id is not None:
        query = query.where(BatteryUnit.dataset_id == dataset_id)
    return session.execute(
        query.order_by(BatteryUnit.dataset_id, BatteryUnit.battery_code).with_only_columns(
            BatteryUnit.id,
            BatteryUnit.dataset_id,
            BatteryUnit.battery_code,
            BatteryUnit.group_tag,
            BatteryUnit.nominal_capacity,
            BatteryUnit.capacity_sketch,
        )
    ).all()


def _sketched(
    session: Session, user: CurrentUser, rows: Sequence[Any]
) -> dict[int, list[SketchedBattery]]:
    missing: dict[int, list[Any]] = {}
    for row in rows:
        if not is_current(row.capacity_sketch):
            missing.setdefault(row.dataset_id, []).append(row)
    computed: dict[int, Sequence[Any]] = {}
    for dataset_id, lacking in missing.items():
        codes = {row.id: row.battery_code for row in lacking}
        cycles = load_cycles(session, user, dataset_id, ["capacity_ah", "pcl"], codes=codes)
        found = sketch_batteries(
            cycles, {row.battery_code: row.nominal_capacity for row in lacking}
        )
        computed |= {
            row.id: found[row.battery_code] for row in lacking if row.battery_code in found
        }
    batteries: dict[int, list[SketchedBattery]] = {}
    for row in rows:
        batteries.setdefault(row.dataset_id, []).append(
            SketchedBattery(
                dataset_id=row.dataset_id,
                battery_id=row.id,
                code=row.battery_code,
                role=row.group_tag,
                nominal_ah=row.nominal_capacity,
                sketch=computed.get(row.id, row.capacity_sketch or []),
            )
        )
    return batteries
