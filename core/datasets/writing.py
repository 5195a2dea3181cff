"""Writes a dataset's rows in chunks; the dataset stays invisible until the last one."""

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from core.base.database import session_scope
from core.datasets.battery_sketches import sketch_batteries
from core.datasets.cycles import ALL_COLUMNS
from core.datasets.further import further_columns, further_rows
from core.ingest.build import IngestResult
from core.ingest.mapping import SEED_FEATURES
from db.tables import BatteryUnit, CycleData, CycleFeature, Dataset

Row = dict[Any, Any]
# Small enough that no chunk holds SQLite's single writer for half a second; with more than eight
# features a chunk has fewer rows, so that it has as many numbers.
CHUNK_ROWS = 2500
CYCLE_COLUMNS = ("battery_id", "cycle_num", *ALL_COLUMNS)


def create_loading_dataset(
    session: Session, name: str, owner_user_id: int | None, upload_id: int | None
) -> int:
    """Insert a dataset that nobody sees yet and return its id."""
    dataset = Dataset(
        owner_user_id=owner_user_id,
        source_type="BUILTIN" if owner_user_id is None else "UPLOAD",
        name=name[:120],
        upload_id=upload_id,
        loading=True,
    )
    session.add(dataset)
    session.flush()
    return dataset.id


def write_rows(dataset_id: int, result: IngestResult, on_progress: Callable[[float], None]) -> None:
    """Write batteries and cycles of a loading dataset, a chunk per transaction."""
    nominal = dict(
        result.batteries[["battery_code", "nominal_capacity"]]
        .astype(object)
        .itertuples(index=False, name=None)
    )
    sketches = sketch_batteries(result.cycles, nominal)
    with session_scope() as session:
        battery_ids = _insert_batteries(session, dataset_id, result.batteries, sketches)
    frame = result.cycles.assign(battery_id=result.cycles["battery_code"].map(battery_ids))
    written = 0
    for rows, further in _chunks(frame):
        with session_scope() as session:
            session.execute(insert(CycleData), rows)
            if further:
                session.execute(insert(CycleFeature), further)
        written += len(rows)
        on_progress(written / len(frame))


def publish(session: Session, dataset_id: int, result: IngestResult) -> None:
    """Make a dataset visible."""
    session.execute(
        update(Dataset)
        .where(Dataset.id == dataset_id)
        .values(loading=None, feature_schema=result.feature_schema.to_json())
    )


def _insert_batteries(
    session: Session, dataset_id: int, batteries: pd.DataFrame, sketches: dict[str, list[Any]]
) -> dict[str, int]:
    rows = [
        BatteryUnit(
            dataset_id=dataset_id,
            battery_code=row.battery_code,
            group_tag=_or_none(row.group_tag),
            total_cycles=row.total_cycles,
            nominal_capacity=_or_none(row.nominal_capacity),
            cycle_life=_or_none(row.cycle_life),
            first_capacity_ah=_or_none(row.first_capacity_ah),
            last_capacity_ah=_or_none(row.last_capacity_ah),
            capacity_sketch=sketches.get(str(row.battery_code), []),
        )
        for row in batteries.astype(object).itertuples()
    ]
    session.add_all(rows)
    session.flush()
    return {row.battery_code: row.id for row in rows}


def _chunks(frame: pd.DataFrame) -> Iterator[tuple[list[Row], list[Row]]]:
    """Yield rows of `cycle_data` and those of `cycle_feature`, none where eight features do."""
    n_further = len(further_columns(frame.columns))
    n_rows = CHUNK_ROWS * SEED_FEATURES // (SEED_FEATURES + n_further)
    for start in range(0, len(frame), n_rows):
        part = frame.iloc[start : start + n_rows]
        plain = part[list(CYCLE_COLUMNS)].astype(object)
        rows = plain.where(plain.notna(), None).to_dict("records")
        yield rows, further_rows(part) if n_further else []


def _or_none(value: Any) -> Any:
    return None if pd.isna(value) else value
