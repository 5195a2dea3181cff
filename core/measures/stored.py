"""Metrics of one target as the database holds them."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class StoredMetrics(BaseModel):
    """What `core.measures.metrics` gives, as it was stored; frozen, unknown measures are kept.

    n, n_batteries : labelled cycles, and the batteries they are of
    macro : the mean of each measure over batteries
    interval : how often the intervals held, see `core.measures.coverage`
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    n: int | None = None
    n_batteries: int | None = None
    mae: float | None = None
    mse: float | None = None
    rmse: float | None = None
    r2: float | None = None
    rmspe: float | None = None
    rmspe_pcl: float | None = None
    macro: dict[str, float | None] | None = None
    interval: dict[str, Any] | None = None

    def has(self, name: str) -> bool:
        """Whether a measure was stored, be it as a number or as undefined."""
        return name in self.model_fields_set

    def value(self, name: str) -> float | None:
        """One measure; None where it is undefined or was not stored."""
        found = getattr(self, name, None)
        return None if found is None else float(found)
