"""Draws paired differences between compared tests, and which are beyond chance."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.evaluation.comparison import Comparison
from core.measures.bootstrap import FEWEST_BATTERIES, Interval
from core.measures.paired import Pair
from ui.evaluation.words import metric
from ui.shared.figures.differences import difference_forest
from ui.shared.frame import is_dark
from ui.shared.numbers import fixed_digits
from ui.shared.theme import PLOTLY_CONFIG, Quantity
from ui.shared.words import counted, plain

ALL_PAIRS = "All pairs"
NAN = float("nan")


def verdict(found: Comparison, names: Sequence[str]) -> str:
    """Name the model with the lowest mean error, and say which others it surely beats."""
    item = metric(found.metric, found.target)
    means, n = found.means, len(found.codes)
    best = min(range(len(names)), key=lambda i: means.means[i])
    lead = (
        f"**{plain(names[best])}** has the lowest mean {item.quantity.short}, "
        f"{item.text(means.means[best])} over {counted(n, 'battery', 'batteries')}."
    )
    if n < FEWEST_BATTERIES:
        return (
            f"{lead} With fewer than {FEWEST_BATTERIES} batteries in common no interval can be "
            "stated, so this may be chance."
        )
    surely = {
        pair.second if pair.first == best else pair.first
        for pair in found.pairs
        if best in (pair.first, pair.second)
        and pair.difference.differs
        and (pair.difference.estimate < 0) == (pair.first == best)
    }
    rest = [plain(name) for i, name in enumerate(names) if i != best and i not in surely]
    if not rest:
        return f"{lead} It is better than every other one; chance does not explain that."
    if not surely:
        return f"{lead} Its lead over the others may be chance."
    return f"{lead} Its lead over {' and '.join(rest)} may be chance."


def paired_view(found: Comparison, names: Sequence[str]) -> None:
    """Forest of differences from one test, or of all pairs, and their numbers."""
    order = sorted(range(len(names)), key=lambda i: found.means.means[i])
    options = [names[i] for i in order]
    reference = options[0]
    if len(names) > 2:
        chosen = st.selectbox(
            "Differences from", [*options, ALL_PAIRS], key=f"paired_{found.target}", width=360
        )
        reference = chosen or reference
    rows = pair_rows(found, names, None if reference == ALL_PAIRS else names.index(reference))
    quantity = metric(found.metric, found.target).quantity
    short = quantity.short
    title = f"{short} of each pair, first minus second"
    if reference != ALL_PAIRS:
        title = f"{short} minus that of {reference}"
    st.plotly_chart(
        difference_forest(rows, quantity, title=title, dark=is_dark()),
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"forest_{found.target}_{found.metric}",
        alt=f"{title}: mean over batteries with intervals.",
    )
    _numbers(rows, quantity)
    st.caption(
        "Mean of the difference in each battery's error, over all batteries that neither of the "
        "two models had seen; intervals from resampling the batteries. A difference counts (filled "
        "circle) where its own 95 % interval excludes 0; the leaderboard says the same of a pair."
    )


def pair_rows(found: Comparison, names: Sequence[str], reference: int | None) -> pd.DataFrame:
    """Pairs with the reference, which is subtracted, or all pairs; the columns of the forest."""
    pairs = [
        pair for pair in found.pairs if reference is None or reference in (pair.first, pair.second)
    ]
    rows = [_row(found, names, pair, reference) for pair in pairs]
    return pd.DataFrame(rows).sort_values("estimate", ignore_index=True)


def _row(
    found: Comparison, names: Sequence[str], pair: Pair, reference: int | None
) -> dict[str, object]:
    difference, sign = pair.difference, -1 if pair.first == reference else 1
    first, second = (pair.first, pair.second)[::sign]
    better, worse = (difference.first_better, difference.second_better)[::sign]
    low, high = _ends(difference.interval, sign)
    return {
        "name": names[first] if reference is not None else f"{names[first]} minus {names[second]}",
        "algorithm": found.tests[first].info.algorithm,
        "estimate": sign * difference.estimate,
        "low": low,
        "high": high,
        "differs": difference.differs,
        "better": better,
        "worse": worse,
        "batteries": difference.n_batteries,
    }


def _ends(interval: Interval | None, sign: int) -> tuple[float, float]:
    if interval is None:
        return NAN, NAN
    return (interval.low, interval.high) if sign > 0 else (-interval.high, -interval.low)


def _numbers(rows: pd.DataFrame, quantity: Quantity) -> None:
    unit = f" ({quantity.unit})" if quantity.unit else ""
    shown = pd.DataFrame(
        {
            "Model": rows["name"],
            f"Difference{unit}": [fixed_digits(v * quantity.factor) for v in rows["estimate"]],
            "95 % interval": [
                _range(low, high, quantity)
                for low, high in zip(rows["low"], rows["high"], strict=True)
            ],
            "Differs": ["yes" if value else "not shown" for value in rows["differs"]],
            "Better on": rows["better"],
            "Worse on": rows["worse"],
            "Batteries": rows["batteries"],
        }
    )
    st.dataframe(
        shown,
        hide_index=True,
        alt="Paired differences with intervals.",
        column_config={
            "Differs": st.column_config.TextColumn(help="Whether the interval excludes 0."),
            "Better on": st.column_config.NumberColumn(help="Batteries with a smaller error."),
            "Worse on": st.column_config.NumberColumn(help="Batteries with a larger error."),
            "Batteries": st.column_config.NumberColumn(
                help="Batteries that neither of the two models had seen."
            ),
        },
    )


def _range(low: float, high: float, quantity: Quantity) -> str:
    if low != low:
        return "too few batteries"
    return f"{fixed_digits(low * quantity.factor)} to {fixed_digits(high * quantity.factor)}"
