"""Metrics of one target as the database holds them."""

from typing import Any, ClassVar

from core.base.stored_json import StoredJson


class StoredMetrics(StoredJson):
    """What `core.measures.metrics` gives: a column `metrics` of a test, or a part of a model's.

    mape, mape_left_out : missing from results of releases that did not take it
    n, n_batteries : labelled cycles, and the batteries they are of
    rmspe_left_out, rmspe_pcl_left_out : cycles that a percentage could not be taken of
    macro : the mean of each measure over batteries
    label_group, label_note : of tests, which labels they were scored against ("" for those of the
        dataset), and what readers must know about them; see `core.evaluation.label_scoring`
    interval : how often the intervals held, see `core.measures.coverage`
    """

    noun: ClassVar[str] = "metrics"

    # In this order, the columns of the XLSX file and the keys of the command line's JSON.
    n: int | None = None
    mae: float | None = None
    mse: float | None = None
    rmse: float | None = None
    r2: float | None = None
    rmspe: float | None = None
    rmspe_left_out: int | None = None
    rmspe_pcl: float | None = None
    rmspe_pcl_left_out: int | None = None
    mape: float | None = None
    mape_left_out: int | None = None
    n_batteries: int | None = None
    macro: dict[str, float | None] | None = None
    interval: dict[str, Any] | None = None
    label_group: str | None = None
    label_note: str | None = None

    def has(self, name: str) -> bool:
        """Whether a measure was stored, be it as a number or as undefined."""
        return name in self.model_fields_set

    def value(self, name: str) -> float | None:
        """One measure; None where it is undefined or was not stored."""
        found = getattr(self, name, None)
        return None if found is None else float(found)
