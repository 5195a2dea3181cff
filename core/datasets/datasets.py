"""Datasets and their batteries: list, describe, rename, split."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pandas as pd
from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import Conflict, InvalidInput
from core.base.names import checked_name
from core.base.paging import FIRST, Listed, Page, page_ids, page_of
from core.datasets.filters import DATASET_ORDERS, EVERY_DATASET, DatasetFilter, filtered_datasets
from core.ingest.feature_schema import FeatureSchema
from core.ingest.mapping import EolRule
from db.tables import BatteryUnit, Dataset, DataUpload
from db.tables.columns import ROLES

# Built-in datasets that are looked through for the simulated one.
MOST_BUILTIN = 20


@dataclass(frozen=True)
class Feature:
    """One feature of a dataset; `column` is its column of a frame of cycles: feature_1, ..."""

    column: str
    name: str
    unit: str
    source_column: str

    @property
    def label(self) -> str:
        """Name with unit, for axes and headers."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True)
class DatasetSummary:
    """A dataset in a list; times in UTC."""

    id: int
    name: str
    is_builtin: bool
    is_simulated: bool
    created_at: datetime
    n_batteries: int
    n_cycles: int
    split: dict[str, int]
    features: tuple[Feature, ...]
    schema: FeatureSchema

    @property
    def labels_version(self) -> int:
        """Counts up whenever labels are computed anew."""
        return self.schema.labels_version

    @property
    def eol(self) -> EolRule:
        """The end-of-life rule of the computed labels."""
        return self.schema.eol


@dataclass(frozen=True)
class DatasetDetail:
    """A dataset with its batteries.

    batteries : battery_id, battery_code, group_tag, total_cycles, nominal_capacity (Ah),
        cycle_life, first_capacity_ah, last_capacity_ah; one row each, by code
    report : what reading the file found (see core.ingest.build), or None
    """

    summary: DatasetSummary
    batteries: pd.DataFrame
    upload_id: int | None
    report: dict[str, Any] | None


@dataclass(frozen=True)
class LoadedDataset:
    """A dataset and its batteries as one reading found them: passed on, not asked for again.

    batteries : as in `DatasetDetail`
    """

    summary: DatasetSummary
    batteries: pd.DataFrame

    @property
    def codes(self) -> dict[int, str]:
        """Battery codes by id."""
        ids = self.batteries["battery_id"].astype(int)
        return dict(zip(ids, self.batteries["battery_code"].astype(str), strict=True))

    @property
    def nominal_capacity_ah(self) -> dict[str, float | None]:
        """Nominal capacity of each battery by code; None where it is unknown."""
        pairs = zip(
            self.batteries["battery_code"].astype(str),
            self.batteries["nominal_capacity"],
            strict=True,
        )
        return {code: None if pd.isna(ah) else float(ah) for code, ah in pairs}

    def ids_of(self, codes: Collection[str]) -> dict[str, int]:
        """Battery ids by code, in the order of `codes`; `InvalidInput` names an unknown code."""
        return _chosen_ids({code: battery_id for battery_id, code in self.codes.items()}, codes)


def list_datasets(
    session: Session,
    user: CurrentUser,
    wanted: DatasetFilter = EVERY_DATASET,
    page: Page = FIRST,
) -> Listed[DatasetSummary]:
    """A page of the datasets that the user may read: own ones first, newest first, then built-in
    ones, unless the page says otherwise.
    """
    query = filtered_datasets(guard.visible_datasets(user), wanted)
    ids = page_ids(session, query, Dataset.id, DATASET_ORDERS, page)
    rows = session.scalars(guard.visible_datasets(user).where(Dataset.id.in_(ids)))
    return page_of(ids, _summaries(session, list(rows)), lambda summary: summary.id)


def every_dataset(session: Session, user: CurrentUser) -> list[DatasetSummary]:
    """All datasets that the user may read, own ones first, for what compares one with all."""
    rows = session.scalars(guard.visible_datasets(user).order_by(Dataset.id.desc()))
    return sorted(_summaries(session, list(rows)), key=lambda summary: summary.is_builtin)


def newest_fleet(session: Session, user: CurrentUser) -> DatasetSummary | None:
    """The newest dataset of one's own, else the simulated one, else any; None without datasets."""
    first = list_datasets(session, user, page=Page(limit=MOST_BUILTIN))
    if not first or not first[0].is_builtin:
        return first[0] if first else None
    return next((item for item in first if item.is_simulated), first[0])


def get_dataset_summary(session: Session, user: CurrentUser, dataset_id: int) -> DatasetSummary:
    """One dataset without its batteries."""
    row = guard.get_dataset(session, user, dataset_id)
    return _summary(row, _counts(session, [row.id]).get(row.id))


def load_dataset(session: Session, user: CurrentUser, dataset_id: int) -> LoadedDataset:
    """One dataset with its batteries, in two statements."""
    row = guard.get_dataset(session, user, dataset_id)
    batteries = list_batteries(session, user, dataset_id)
    return LoadedDataset(_summary(row, _counted(batteries)), batteries)


def keep_datasets(session: Session, user: CurrentUser, labels_versions: Mapping[int, int]) -> None:
    """Forbid deleting and relabelling some datasets until this transaction ends.

    labels_versions : the version that each dataset's labels had when they were looked at, by id

    Raises
    ------
    NotFound
        A dataset has been deleted since.
    Conflict
        Its labels have been changed since.
    """
    kept = guard.get_kept_datasets(session, user, list(labels_versions))
    for row in kept:
        if labels_version_of(row.feature_schema) != labels_versions[row.id]:
            raise Conflict(
                f"The labels of {row.name!r} were changed a moment ago, so what was checked no "
                "longer holds. Look at the dataset again, then start once more."
            )


def describe_dataset(session: Session, user: CurrentUser, dataset_id: int) -> DatasetDetail:
    """One dataset with its batteries."""
    row = guard.get_dataset(session, user, dataset_id)
    batteries = list_batteries(session, user, dataset_id)
    upload = session.get(DataUpload, row.upload_id) if row.upload_id else None
    return DatasetDetail(
        _summary(row, _counted(batteries)),
        batteries,
        upload.id if upload else None,
        upload.report if upload else FeatureSchema.from_json(row.feature_schema).report,
    )


def list_batteries(session: Session, user: CurrentUser, dataset_id: int) -> pd.DataFrame:
    """The batteries of a dataset, as in `DatasetDetail.batteries`."""
    query = (
        guard.visible_batteries(user)
        .where(BatteryUnit.dataset_id == dataset_id)
        .order_by(BatteryUnit.battery_code)
        .with_only_columns(
            BatteryUnit.id.label("battery_id"),
            BatteryUnit.battery_code,
            BatteryUnit.group_tag,
            BatteryUnit.total_cycles,
            BatteryUnit.nominal_capacity,
            BatteryUnit.cycle_life,
            BatteryUnit.first_capacity_ah,
            BatteryUnit.last_capacity_ah,
        )
    )
    result = session.execute(query)
    rows = result.all()
    if not rows:
        guard.get_dataset(session, user, dataset_id)
    frame = pd.DataFrame(rows, columns=list(result.keys()))
    return frame.astype({"cycle_life": "Int64", "group_tag": "object"}).astype(
        dict.fromkeys(("nominal_capacity", "first_capacity_ah", "last_capacity_ah"), "float64")
    )


def rename_dataset(session: Session, user: CurrentUser, dataset_id: int, name: str) -> None:
    """Rename a dataset that the user owns."""
    guard.get_owned_dataset(session, user, dataset_id).name = checked_name(name, "dataset")
    session.flush()


def set_split(
    session: Session, user: CurrentUser, dataset_id: int, roles: Mapping[str, str | None]
) -> None:
    """Change the default role (train, val, test or None) of some batteries, by code.

    Raises
    ------
    InvalidInput
        A role or a battery code is unknown.
    """
    guard.get_owned_dataset(session, user, dataset_id)
    wrong = {role for role in roles.values() if role is not None} - set(ROLES)
    if wrong:
        raise InvalidInput(f"A role is train, val or test, not {sorted(wrong)[0]!r}.")
    ids = battery_ids(session, user, dataset_id, list(roles))
    for role in {*roles.values()}:
        chosen = [ids[code] for code, value in roles.items() if value == role]
        session.execute(
            update(BatteryUnit).where(BatteryUnit.id.in_(chosen)).values(group_tag=role)
        )


def battery_ids(
    session: Session, user: CurrentUser, dataset_id: int, codes: list[str]
) -> dict[str, int]:
    """Ids of batteries of a dataset by code, in the order of `codes`.

    Raises
    ------
    InvalidInput
        The dataset has no battery of such a code.
    """
    rows = session.execute(
        guard.visible_batteries(user)
        .where(BatteryUnit.dataset_id == dataset_id)
        .with_only_columns(BatteryUnit.battery_code, BatteryUnit.id)
    ).all()
    if not rows:
        guard.get_dataset(session, user, dataset_id)
    return _chosen_ids({row.battery_code: row.id for row in rows}, codes)


def _chosen_ids(known: Mapping[str, int], codes: Collection[str]) -> dict[str, int]:
    missing = [code for code in codes if code not in known]
    if missing:
        raise InvalidInput(
            f"The dataset has no battery {missing[0]!r}. Its codes run from {min(known)!r} to "
            f"{max(known)!r}."
            if known
            else "The dataset has no batteries."
        )
    return {code: known[code] for code in codes}


def features_of(schema: FeatureSchema) -> tuple[Feature, ...]:
    """The features that a dataset's schema names, in column order."""
    return tuple(
        Feature(f"feature_{i}", item.name, item.unit, item.source_column)
        for i, item in enumerate(schema.features, start=1)
    )


def labels_version_of(schema: Mapping[str, Any] | None) -> int:
    """Counts up whenever the labels of a dataset are computed anew; its stored schema holds it."""
    return FeatureSchema.from_json(schema).labels_version


def _counted(batteries: pd.DataFrame) -> Any:
    """What `_counts` gives for one dataset, from its batteries."""
    roles = {role: int((batteries["group_tag"] == role).sum()) for role in ROLES}
    cycles = int(batteries["total_cycles"].sum())
    return SimpleNamespace(batteries=len(batteries), cycles=cycles, **roles)


def _counts(session: Session, dataset_ids: list[int]) -> dict[int, Any]:
    columns = [
        func.sum(case((BatteryUnit.group_tag == role, 1), else_=0)).label(role) for role in ROLES
    ]
    rows = session.execute(
        select(
            BatteryUnit.dataset_id,
            func.count().label("batteries"),
            func.sum(BatteryUnit.total_cycles).label("cycles"),
            *columns,
        )
        .where(BatteryUnit.dataset_id.in_(dataset_ids))
        .group_by(BatteryUnit.dataset_id)
    )
    return {row.dataset_id: row for row in rows}


def _summaries(session: Session, rows: list[Dataset]) -> list[DatasetSummary]:
    counts = _counts(session, [row.id for row in rows])
    return [_summary(row, counts.get(row.id)) for row in rows]


def _summary(row: Dataset, counts: Any) -> DatasetSummary:
    schema = FeatureSchema.from_json(row.feature_schema)
    return DatasetSummary(
        id=row.id,
        name=row.name,
        is_builtin=row.source_type == "BUILTIN",
        is_simulated=schema.simulated,
        created_at=row.created_at,
        n_batteries=int(counts.batteries) if counts else 0,
        n_cycles=int(counts.cycles) if counts else 0,
        split={role: int(getattr(counts, role)) if counts else 0 for role in ROLES},
        features=features_of(schema),
        schema=schema,
    )
