"""Parts of one battery: where its cycle counter steps back, and how the parts are joined."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.base.words import counted

# A continued test starts at most so far from where the part before it ended.
_CONTINUES_WITHIN = 0.05
# More steps back than this in a battery are rows out of order, no parts.
_MAX_PARTS = 20


@dataclass(frozen=True)
class CounterStep:
    """A battery whose cycle counter steps back.

    restarts : the later part starts again where the first one did; else it repeats some cycles
    n_repeated : cycles that both parts hold, of an overlap
    continues : capacity goes on where the part before ended; None where it is unknown
    """

    battery_code: str
    last_cycle: int
    next_cycle: int
    restarts: bool
    n_repeated: int
    continues: bool | None


def counter_steps(
    codes: "pd.Categorical", cycle: np.ndarray, capacity: np.ndarray | None
) -> tuple[CounterStep, ...]:
    """Steps back of the counter, in the order of the file, that make a cycle occur twice."""
    steps = []
    for code, rows in _rows_by_battery(codes):
        counted_up = cycle[rows]
        back = np.flatnonzero(np.diff(counted_up) < 0) + 1
        if not len(back) or len(back) > _MAX_PARTS:
            continue
        if len(np.unique(counted_up)) == len(counted_up):
            continue
        values = None if capacity is None else capacity[rows]
        steps += [_step(code, counted_up, values, int(at)) for at in back]
    return tuple(steps)


def joined_cycles(codes: "pd.Categorical", cycle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cycle numbers with later parts continuing the count, and a mask of rows to keep.

    Where a part starts again, it continues after the largest number so far. Where it repeats some
    cycles of the part before it, numbers stay and the first of each is kept.
    """
    joined, keep = cycle.copy(), np.ones(len(cycle), dtype=bool)
    for _code, rows in _rows_by_battery(codes):
        numbers = cycle[rows].copy()
        back = np.flatnonzero(np.diff(numbers) < 0) + 1
        if not len(back) or len(back) > _MAX_PARTS or len(np.unique(numbers)) == len(numbers):
            continue
        for at, end in zip(back, [*back[1:], len(numbers)], strict=True):
            if cycle[rows][at] <= cycle[rows][0] + 1:
                numbers[at:end] += numbers[:at].max() + 1 - cycle[rows][at]
            else:
                offset = numbers[at - 1] - cycle[rows][at - 1]
                numbers[at:end] += offset
        joined[rows] = numbers
        keep[rows] = ~pd.Series(numbers).duplicated().to_numpy()
    return joined, keep


def split_codes(codes: "pd.Categorical", cycle: np.ndarray) -> "pd.Categorical":
    """Codes with " part 2" and so on from each step back of the counter."""
    names = np.asarray(codes, dtype=object).copy()
    for code, rows in _rows_by_battery(codes):
        part = np.concatenate([[0], np.cumsum(np.diff(cycle[rows]) < 0)]) + 1
        if 1 < part[-1] <= _MAX_PARTS + 1:
            names[rows] = [f"{code} part {number}" for number in part]
    return pd.Categorical(names, categories=pd.unique(names))


def seam_sentence(steps: tuple[CounterStep, ...]) -> str:
    """What was found, for parts that repeat some cycles and keep their numbers."""
    first = steps[0]
    repeated = counted(sum(step.n_repeated for step in steps), "repeated cycle")
    return (
        f"Battery {first.battery_code} goes back from cycle {first.last_cycle:,} to "
        f"{first.next_cycle:,}, as a continued test does{_others(steps)}: of the "
        f"{repeated} the first one is kept."
    )


def restart_sentence(steps: tuple[CounterStep, ...]) -> str:
    """What was found, for a counter that starts again."""
    first = steps[0]
    onward = {
        True: " with its capacity going on",
        False: " with another capacity",
        None: "",
    }[first.continues]
    return (
        f"The cycle counter of battery {first.battery_code} starts again at {first.next_cycle:,} "
        f"after cycle {first.last_cycle:,}{onward}{_others(steps)}."
    )


def _others(steps: tuple[CounterStep, ...]) -> str:
    names = {step.battery_code for step in steps}
    return f" (and {counted(len(names) - 1, 'other battery')})" if len(names) > 1 else ""


def _step(code: str, cycle: np.ndarray, capacity: np.ndarray | None, at: int) -> CounterStep:
    restarts = bool(cycle[at] <= cycle[0] + 1)
    repeated = len(np.intersect1d(cycle[at:], cycle[:at]))
    return CounterStep(
        code,
        int(cycle[:at].max()),
        int(cycle[at]),
        restarts,
        0 if restarts else repeated,
        None if capacity is None else _continues(capacity, at),
    )


def _continues(capacity: np.ndarray, at: int) -> bool | None:
    before, after = capacity[max(0, at - 5) : at], capacity[at : at + 5]
    before, after = before[before > 0], after[after > 0]
    if not len(before) or not len(after):
        return None
    return bool(abs(np.median(after) / np.median(before) - 1) <= _CONTINUES_WITHIN)


def _rows_by_battery(codes: "pd.Categorical") -> list[tuple[str, np.ndarray]]:
    order = np.argsort(codes.codes, kind="stable")
    edges = np.searchsorted(codes.codes[order], np.arange(len(codes.categories) + 1))
    return [
        (str(code), order[edges[place] : edges[place + 1]])
        for place, code in enumerate(codes.categories)
    ]
