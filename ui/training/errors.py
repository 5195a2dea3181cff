"""The stored errors of models as lists show them: one heading and one number everywhere."""

from core.model_versions.config import ModelMetrics
from core.model_versions.stored_metrics import StoredMetrics
from ui.shared.theme import metric_quantity
from ui.shared.words import counted

# Role -> the word for its batteries.
ERROR_ROLES = {"val": "validation", "test": "test"}


def error_heading(role: str, target: str, metric: str = "rmse") -> str:
    """Target, error, role and unit: no number stands under a heading that lacks one of them."""
    quantity = metric_quantity(metric, target)
    return f"{target} {quantity.short}, {ERROR_ROLES[role]} ({quantity.unit})"


def shown_error(
    metrics: ModelMetrics, role: str, target: str, metric: str = "rmse"
) -> float | None:
    """One stored error in its displayed unit, pooled over cycles; None where there is none."""
    value = metrics.of_role(role).get(target, StoredMetrics()).value(metric)
    return None if value is None else value * metric_quantity(metric, target).factor


def errors_ahead(max_horizon: int) -> str:
    """How far ahead the stored errors of a model look."""
    return "one cycle ahead" if max_horizon else "at the measured cycle"


def kind_text(max_horizon: int) -> str:
    """Estimate or forecast; of a forecast how far its errors and the model itself look ahead."""
    if not max_horizon:
        return "Estimate"
    reach = counted(max_horizon, "cycle")
    return f"Forecast, errors 1 cycle ahead (it looks up to {reach} ahead)"
