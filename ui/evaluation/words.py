"""The words and numbers of test results: metrics with units, what a test is, who was seen."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from core.evaluation.evaluations import UNSEEN, TestInfo
from core.evaluation.label_scoring import UNCHECKED
from core.measures.metrics import LARGEST_SHARE
from core.model_versions.stored_metrics import StoredMetrics
from ui.shared.numbers import metric_text
from ui.shared.theme import EXPOSURE_LABELS, Quantity, metric_quantity
from ui.shared.words import counted

TARGET_TITLES = {"PCL": "Capacity loss (PCL)", "RUL": "Remaining life (RUL)", "BOTH": "PCL and RUL"}
# What a reader may sort, compare and look at, by target; the first is the headline.
METRICS_OF = {
    "PCL": ("rmse", "mae", "rmspe", "mape", "r2", "rmspe_pcl"),
    "RUL": ("rmse", "mae", "rmspe", "mape", "r2"),
}
NO_VALUE = "none"


@dataclass(frozen=True)
class Metric:
    """A stored metric as readers see it."""

    key: str
    target: str
    quantity: Quantity
    help: str

    @property
    def header(self) -> str:
        """Short name with unit, for table headers and labels."""
        unit = f" ({self.quantity.unit})" if self.quantity.unit else ""
        return f"{self.quantity.short}{unit}"

    def text(self, value: Any) -> str:
        """A stored value with its unit."""
        if value is None or pd.isna(value):
            return "" if self.key == "mape" else NO_VALUE
        return f"{metric_text(self.key, value * self.quantity.factor)}{self.quantity.suffix}"


def metric(key: str, target: str) -> Metric:
    """Name, unit and meaning of a metric of PCL or RUL."""
    quantity = metric_quantity(key, target)
    if key == "rmspe" and target == "PCL":
        quantity = replace(quantity, short="RMSPE of SOH")
    if key == "mape" and target == "PCL":
        quantity = replace(quantity, short="MAPE of SOH")
    if key == "rmspe_pcl":
        quantity = replace(quantity, label="RMSPE of PCL itself", short="RMSPE of PCL")
    return Metric(key, target, quantity, _MEANINGS[target, key])


def headline_metrics_of(target: str, values: StoredMetrics) -> list[Metric]:
    """The metrics of a headline; MAE where a percentage would say nothing."""
    keys = ["rmse", "rmspe", "r2"]
    if replaced_share(values) is not None:
        keys[1] = "mae"
    return [metric(key, target) for key in keys]


def replaced_share(values: StoredMetrics) -> float | None:
    """The RMSPE as a fraction that is too large to mean something; None where it does."""
    share = values.rmspe
    return share if share is not None and share > LARGEST_SHARE else None


def replacement_text(target: str, values: StoredMetrics) -> str:
    """Why a headline shows MAE in place of a percentage; empty where it does not."""
    share = replaced_share(values)
    if share is None:
        return ""
    near = "true remaining lives" if target == "RUL" else "true states of health"
    return (
        f"RMSPE would be {100 * share:,.0f} %: some {near} are close to 0, and dividing by them "
        "makes a percentage that says little. MAE is shown in its place."
    )


def metrics_of(target: str) -> list[Metric]:
    """The metrics of a target, the headline first."""
    return [metric(key, target) for key in METRICS_OF[target]]


def denominators(values: StoredMetrics, key: str) -> str:
    """Over how many cycles a percentage was taken, where some were left out."""
    left_out = int(values.value(f"{key}_left_out") or 0)
    if not left_out:
        return ""
    return f" {left_out:,} of {values.n or 0:,} cycles are left out for that reason."


def horizon_text(horizon: int) -> str:
    """Estimate or forecast, and how far ahead."""
    if not horizon:
        return "Estimate of the measured cycle"
    return f"Forecast, {counted(horizon, 'cycle')} ahead"


def kind_word(horizon: int) -> str:
    """Estimate or forecast in the space of a narrow column."""
    return f"{counted(horizon, 'cycle')} ahead" if horizon else "Estimate"


def labels_text(group: str, dataset_name: str) -> str:
    """The labels that tests were scored against, for a box."""
    if group == UNCHECKED:
        return "Tests of earlier releases, end of life not compared"
    return f"Labels with {group}" if group else f"The labels of {dataset_name}"


def battery_label(code: str, exposure: str) -> str:
    """A battery's code, marked if the model knew it."""
    return code if exposure == UNSEEN else f"{code} ({EXPOSURE_LABELS[exposure].lower()})"


def headline(info: TestInfo, target: str) -> float | None:
    """RMSE over unseen batteries in the unit of the screen; None where there is none."""
    value = info.overall.get(target, StoredMetrics()).rmse
    return None if value is None else value * metric("rmse", target).quantity.factor


_MEANINGS = {
    ("PCL", "rmse"): "Root of the mean squared difference between predicted and true capacity "
    "loss, in percentage points of the nominal capacity.",
    ("PCL", "mae"): "Mean absolute difference between predicted and true capacity loss, in "
    "percentage points of the nominal capacity.",
    ("PCL", "rmspe"): "Root of the mean squared error as a share of the true state of health, "
    "SOH = 100 % - PCL.",
    ("PCL", "mape"): "Mean absolute error as a share of the true state of health. Blank for tests "
    "of releases that did not take it.",
    ("RUL", "mape"): "Mean absolute error as a share of the true remaining life; cycles at the end "
    "of life, where that is 0, are left out. Blank for tests of releases that did not take it. "
    "Over 200 % it says only that true lives are close to 0: look at MAE.",
    ("PCL", "rmspe_pcl"): "Root of the mean squared error as a share of the true capacity loss "
    "itself; cycles with a loss below 0.5 % are left out.",
    ("PCL", "r2"): "1 is perfect; 0 is no better than always answering the mean. Missing where "
    "the true value never changes.",
    ("RUL", "rmse"): "Root of the mean squared difference between predicted and true remaining "
    "life, in cycles.",
    ("RUL", "mae"): "Mean absolute difference between predicted and true remaining life, in "
    "cycles.",
    ("RUL", "rmspe"): "Root of the mean squared error as a share of the true remaining life; "
    "cycles at the end of life, where that is 0, are left out.",
    ("RUL", "r2"): "1 is perfect; 0 is no better than always answering the mean. Missing where "
    "the true value never changes.",
}
