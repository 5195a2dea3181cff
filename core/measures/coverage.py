"""Coverage of intervals: per battery, over batteries, and the range to expect by chance alone.

Coverage is the mean over batteries of the share of their labelled cycles inside the interval: the
battery is the unit, as in `models.uncertainty.intervals`.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

N_RESAMPLES = 2000
TAIL = 0.025


def battery_coverage(y_true: Floats, y_lower: Floats, y_upper: Floats) -> dict[str, float] | None:
    """Share of the labelled cycles inside the interval, and its mean width in storage units.

    None where no labelled cycle has an interval.
    """
    known = np.isfinite(y_true) & np.isfinite(y_lower) & np.isfinite(y_upper)
    if not known.any():
        return None
    true, lower, upper = y_true[known], y_lower[known], y_upper[known]
    return {
        "coverage": float(np.mean((lower <= true) & (true <= upper))),
        "mean_width": float(np.mean(upper - lower)),
    }


def overall_coverage(
    batteries: Sequence[dict[str, float]],
    *,
    nominal: float,
    method: str,
    n_calibration: int,
    design_effect: float,
) -> dict[str, Any] | None:
    """Coverage over batteries (each as `battery_coverage` gives it) beside its nominal level.

    observed_low and observed_high are a 95 % bootstrap over the batteries; expected_low and
    expected_high are `chance_range`. None without batteries.
    """
    if not batteries:
        return None
    shares = np.array([battery["coverage"] for battery in batteries])
    observed = float(shares.mean())
    low, high = chance_range(nominal, n_calibration, len(shares), design_effect)
    verdict = "too low" if observed < low else "too high" if observed > high else "as expected"
    observed_low, observed_high = _bootstrap(shares)
    return {
        "nominal": nominal,
        "observed": observed,
        "observed_low": observed_low,
        "observed_high": observed_high,
        "expected_low": low,
        "expected_high": high,
        "mean_width": float(np.mean([battery["mean_width"] for battery in batteries])),
        "n_batteries": len(shares),
        "method": method,
        "n_calibration": n_calibration,
        "verdict": verdict,
    }


def verdict_words(verdict: str) -> str:
    """What a verdict of `overall_coverage` means for a reader of the intervals."""
    words = {"too low": "narrower than promised", "too high": "wider than promised"}
    return words.get(verdict, "as promised")


def chance_range(
    nominal: float, n_calibration: int, n_tested: int, design_effect: float
) -> tuple[float, float]:
    """Range of the coverage in 95 % of cases, if the batteries are like the calibrating ones.

    With one cycle per battery, the number covered is beta-binomial: the coverage that K batteries
    calibrate to is a draw from Beta((K + 1) nominal, (K + 1) (1 - nominal)), and n batteries are
    a binomial draw of that (Vovk 2012, "Conditional validity of inductive conformal predictors";
    Angelopoulos & Bates 2023, "Conformal prediction: a gentle introduction", 3.2). A battery with
    many cycles is covered in part, so its share varies less: K and n count 1 / design_effect times
    (`models.uncertainty.intervals.design_effect`). The weight at infinity puts the true mean
    between nominal and nominal + 1 / (K + 1): the lower limit is that of the first, the upper of
    the second.
    On simulated batteries of any such effect at most 5 % fall outside by chance.
    """
    n = max(1, round(n_tested / design_effect))
    size = n_calibration / design_effect + 1.0
    highest = min(nominal + 1.0 / (n_calibration + 1), 1.0 - 0.25 / size)
    low = _beta_binomial_quantile(n, size * nominal, size * (1.0 - nominal), TAIL)
    high = _beta_binomial_quantile(n, size * highest, size * (1.0 - highest), 1.0 - TAIL)
    return low / n, high / n


def _beta_binomial_quantile(n: int, a: float, b: float, level: float) -> int:
    """The smallest count whose cumulative probability is at least `level`."""
    k = np.arange(n + 1)
    logs = np.array(
        [
            math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
            + math.lgamma(i + a) + math.lgamma(n - i + b) - math.lgamma(n + a + b)
            + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
            for i in k
        ]
    )  # fmt: skip
    return int(np.searchsorted(np.cumsum(np.exp(logs)), level))


def _bootstrap(shares: Floats) -> tuple[float, float]:
    """A 95 % percentile interval of the mean over batteries; the seed is fixed."""
    drawn = np.random.default_rng(0).integers(0, len(shares), (N_RESAMPLES, len(shares)))
    low, high = np.quantile(shares[drawn].mean(axis=1), [TAIL, 1.0 - TAIL])
    return float(low), float(high)
