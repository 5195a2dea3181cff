"""By what the lists of datasets and of uploads are narrowed and sorted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case

from core.base.narrowing import has_text, is_before, is_equal, is_one_of, is_since, narrowed
from core.base.paging import BY_AGE, NEWEST, Order
from db.tables import Dataset, DataUpload
from db.text import lowered, spelled

DATASET_ORDERS: Mapping[str, Order] = {
    # One's own first, then those that are built in.
    NEWEST: Order(case((Dataset.source_type == "BUILTIN", 1), else_=0)),
    "oldest": Order(id_descends=False),
    "name": Order(lowered(Dataset.name)),
}
UPLOAD_ORDERS: Mapping[str, Order] = {
    **BY_AGE,
    "name": Order(lowered(DataUpload.original_filename)),
    "status": Order(spelled(DataUpload.status)),
}


@dataclass(frozen=True)
class DatasetFilter:
    """Which datasets are wanted; what is left empty leaves everything in.

    name : part of the name, in any case
    builtin : whether built-in ones are wanted, or those that are not; None for both
    since, until : added at this time or later, and before this time; UTC
    """

    name: str = ""
    builtin: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class UploadFilter:
    """Which uploads are wanted; what is left empty leaves everything in.

    name : part of the file's name, in any case
    since, until : uploaded at this time or later, and before this time; UTC
    """

    name: str = ""
    statuses: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


EVERY_DATASET = DatasetFilter()
EVERY_UPLOAD = UploadFilter()


def filtered_datasets(query: Select[Any], wanted: DatasetFilter) -> Select[Any]:
    """The wanted ones of a query on datasets."""
    source = None if wanted.builtin is None else "BUILTIN" if wanted.builtin else "UPLOAD"
    return narrowed(
        query,
        has_text(Dataset.name, wanted.name),
        is_equal(Dataset.source_type, source),
        is_since(Dataset.created_at, wanted.since),
        is_before(Dataset.created_at, wanted.until),
    )


def filtered_uploads(query: Select[Any], wanted: UploadFilter) -> Select[Any]:
    """The wanted ones of a query on uploads."""
    return narrowed(
        query,
        has_text(DataUpload.original_filename, wanted.name),
        is_one_of(DataUpload.status, wanted.statuses),
        is_since(DataUpload.created_at, wanted.since),
        is_before(DataUpload.created_at, wanted.until),
    )
