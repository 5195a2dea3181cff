"""What is said about the labels of a file: isolated readings, and where its labels disagree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.base.words import counted
from core.ingest.battery_rows import stretches
from core.ingest.end_of_life import eol_cycle, recovers
from core.ingest.isolated_readings import (
    check_up_rows,
    isolated_mask,
    too_many_isolated,
    usual_step,
)
from core.ingest.label_origins import LabelOrigins
from core.ingest.mapping import ColumnMapping, EolRule

EXAMPLES = 3
# PCL and capacity of a file agree where they differ by less than this share of nominal capacity.
PCL_AGREES = 0.005
FEWEST_CHECK_UPS = 3


@dataclass(frozen=True)
class _Battery:
    """One battery, before and after labelling; arrays are (n_cycles,).

    file_rul : RUL as in the file (cycles), NaN where blank or below 0
    rul : RUL as it is kept
    file_pcl, capacity_ah : as in the file, NaN where it has none
    life : as labelled; from_file tells whether the file tells it
    """

    code: str
    cycle_num: np.ndarray
    soh: np.ndarray
    isolated: np.ndarray
    file_rul: np.ndarray
    rul: np.ndarray
    file_pcl: np.ndarray
    capacity_ah: np.ndarray
    nominal_ah: float | None
    life: int | None
    from_file: bool

    @property
    def undecided(self) -> bool:
        """Whether too many readings are isolated to tell a life from capacity."""
        return too_many_isolated(self.soh, self.isolated)


def label_sentences(
    file_cycles: pd.DataFrame,
    labelled: pd.DataFrame,
    batteries: pd.DataFrame,
    origins: LabelOrigins,
    mapping: ColumnMapping,
) -> list[str]:
    """Sentences for the report of an upload; each names batteries, cycles or sizes.

    Parameters
    ----------
    file_cycles : cycle_num, pcl, rul, capacity_ah as in the file
    labelled, batteries : the same rows with their labels, as `labels.relabel` gives them
    """
    found = list(_batteries(file_cycles, labelled, batteries, origins))
    compared = mapping.eol
    if mapping.rul_eol_threshold is not None:
        compared = replace(compared, threshold=mapping.rul_eol_threshold)
    return [
        *_isolated(found, mapping.eol),
        *_undecided(found, mapping.eol),
        *_check_ups(found),
        *_recovering(found, mapping.eol),
        *_without_usable_rul(found, origins),
        *_lives_of_column(found, origins, mapping),
        *_rows_of_rul(found, origins),
        *_compared_lives(found, compared),
        *_compared_pcl(found, mapping),
    ]


def _batteries(
    file_cycles: pd.DataFrame,
    labelled: pd.DataFrame,
    batteries: pd.DataFrame,
    origins: LabelOrigins,
) -> Iterator[_Battery]:
    def column(frame: pd.DataFrame, name: str) -> np.ndarray:
        return frame[name].to_numpy(dtype=np.float64, na_value=np.nan)

    cycle_num = labelled["cycle_num"].to_numpy(dtype=np.int64)
    soh = 1.0 - column(labelled, "pcl")
    file_rul, rul = column(file_cycles, "rul"), column(labelled, "rul")
    file_pcl, capacity = column(file_cycles, "pcl"), column(file_cycles, "capacity_ah")
    codes = batteries["battery_code"].astype(str)
    lives = dict(zip(codes, column(batteries, "cycle_life"), strict=True))
    nominal = dict(zip(codes, column(batteries, "nominal_capacity"), strict=True))
    for code, rows in stretches(labelled["battery_code"]):
        yield _Battery(
            code=code,
            cycle_num=cycle_num[rows],
            soh=soh[rows],
            isolated=isolated_mask(soh[rows]),
            file_rul=file_rul[rows],
            rul=rul[rows],
            file_pcl=file_pcl[rows],
            capacity_ah=capacity[rows],
            nominal_ah=float(nominal[code]) if np.isfinite(nominal[code]) else None,
            life=int(lives[code]) if np.isfinite(lives[code]) else None,
            from_file=code in origins.file_rul_batteries,
        )


def _isolated(batteries: Sequence[_Battery], eol: EolRule) -> Iterator[str]:
    some = [b for b in batteries if b.isolated.any() and not b.undecided]
    if not some:
        return
    count = sum(int(b.isolated.sum()) for b in some)
    examples = [
        f"{b.code} in cycle {cycle:,} (SOH {soh:.1%})"
        for b in some
        for cycle, soh in zip(b.cycle_num[b.isolated], b.soh[b.isolated], strict=True)
    ]
    does = "they count, as asked" if eol.count_isolated else "they are kept, but end no life"
    yield (
        f"{counted(count, 'isolated low reading')} in {counted(len(some), 'battery')}: "
        f"{_first(examples)}; {does}."
    )


def _undecided(batteries: Sequence[_Battery], eol: EolRule) -> Iterator[str]:
    some = [] if eol.count_isolated else [b for b in batteries if b.undecided]
    computed = [b for b in some if not b.from_file]
    if not computed:
        return
    told = "; ".join(_alternation(b) for b in computed[:EXAMPLES])
    more = f"; and {len(computed) - EXAMPLES} more" if len(computed) > EXAMPLES else ""
    yield (
        f"No cycle life is computed for {counted(len(computed), 'battery')}, because too many "
        f"readings are low beside the rows around them. {told}{more}. If two kinds of cycles are "
        "mixed, keep one kind in the file; if a cycler halved the capacity, correct it; or let "
        "isolated low readings count."
    )


def _alternation(battery: _Battery) -> str:
    n, known = int(battery.isolated.sum()), int(np.isfinite(battery.soh).sum())
    step = usual_step(battery.cycle_num[battery.isolated])
    rhythm = {None: "in no fixed order", 1: "in a row", 2: "every other cycle"}.get(
        step, f"every {step} cycles"
    )
    ratio = np.median(battery.soh[battery.isolated]) / np.median(
        battery.soh[np.isfinite(battery.soh) & ~battery.isolated]
    )
    return (
        f"{battery.code}: {n:,} of {known:,} rows, {rhythm}, at {ratio:.0%} of the capacity of "
        "the others"
    )


def _check_ups(batteries: Sequence[_Battery]) -> Iterator[str]:
    found = [(b, _rhythm(b)) for b in batteries if not b.undecided]
    told = [(battery, rhythm) for battery, rhythm in found if rhythm]
    if not told:
        return
    examples = [f"{battery.code} {rhythm}" for battery, rhythm in told]
    lives = [f"{b.code} {b.life:,}" for b, _ in told if b.life is not None and not b.from_file]
    judged = f" The cycle life is judged by all rows ({_first(lives)})." if lives else ""
    yield (
        f"{counted(len(told), 'battery has', 'batteries have')} single rows that read more than "
        f"5 % of nominal capacity higher than the rows around them: {_first(examples)}. Such rows "
        f"are mostly slow check-ups between faster cycles.{judged} Keep one kind of cycle in the "
        "file, with a nominal capacity of that kind."
    )


def _rhythm(battery: _Battery) -> str | None:
    """How often a battery has check-ups, in words; None where it has none."""
    rows = check_up_rows(battery.soh)
    step = usual_step(battery.cycle_num[rows])
    if len(rows) < FEWEST_CHECK_UPS or step is None or step == 1:
        return None
    return "every other cycle" if step == 2 else f"every {step} cycles"


def _recovering(batteries: Sequence[_Battery], eol: EolRule) -> Iterator[str]:
    codes = [
        b.code
        for b in batteries
        if b.life is not None
        and not b.from_file
        and _rhythm(b) is None
        and recovers(b.cycle_num, b.soh, eol, b.life)
    ]
    if codes:
        verb = "recovers" if len(codes) == 1 else "recover"
        yield (
            f"{counted(len(codes), 'battery')} {verb} to the end-of-life threshold or above it "
            f"after the end of life: {_first(codes, 10)}. The first crossing counts; several "
            "cycles in a row below it can be asked for instead."
        )


def _without_usable_rul(batteries: Sequence[_Battery], origins: LabelOrigins) -> Iterator[str]:
    """Say which batteries are left to capacity although the file has a column of RUL."""
    others = [b for b in batteries if not b.from_file]
    if not any(np.isfinite(b.file_rul).any() for b in batteries):
        return
    then = (
        "it is computed from end of life"
        if origins.pcl != "none"
        else "none is known, as there is no capacity"
    )
    for reason, codes in (
        ("no RUL above 0", [b.code for b in others if not (b.file_rul > 0).any()]),
        ("RUL whose cycle + RUL do not agree", [b.code for b in others if (b.file_rul > 0).any()]),
    ):
        if codes:
            yield (
                f"{counted(len(codes), 'battery has', 'batteries have')} {reason} in the file "
                f"({_first(codes)}); {then}."
            )


def _lives_of_column(
    batteries: Sequence[_Battery], origins: LabelOrigins, mapping: ColumnMapping
) -> Iterator[str]:
    """Say for which batteries a column of cycle lives decides, and where capacity says nothing."""
    chosen = [b for b in batteries if b.code in origins.life_batteries]
    if not chosen:
        return
    silent = sum(eol_cycle(b.cycle_num, b.soh, mapping.eol) is None for b in chosen)
    yield (
        f"The cycle life of {counted(len(chosen), 'battery')} is that of column "
        f"{mapping.life_column!r}; by capacity {silent:,} of them would have none."
    )


def _rows_of_rul(batteries: Sequence[_Battery], origins: LabelOrigins) -> Iterator[str]:
    """Say where RUL of the file is not life - cycle, and where it stands after the life."""
    unlike: list[tuple[int, str]] = []
    tails: list[str] = []
    for battery in batteries:
        if not battery.from_file or battery.life is None or battery.code in origins.life_batteries:
            continue
        left = battery.life - battery.cycle_num
        gap = np.where(np.isfinite(battery.rul), np.abs(battery.rul - left), 0)
        if gap.any():
            held = battery.rul[gap > 0]
            kind = f", held at {held[0]:,.0f}" if len(held) > 1 and np.ptp(held) == 0 else ""
            rows = counted(int((gap > 0).sum()), "row")
            text = f"{battery.code} by up to {counted(int(gap.max()), 'cycle')} in {rows}{kind}"
            unlike.append((int(gap.max()), text))
        after = int((np.isfinite(battery.file_rul) & (left < 0)).sum())
        if after:
            tails.append(f"{battery.code} {after:,}")
    if unlike:
        yield (
            f"In {counted(len(unlike), 'battery')} RUL of the file differs from cycle life - "
            f"cycle: {_worst_first(unlike)}. It is kept as in the file; the cycle life is the "
            "most frequent cycle + RUL."
        )
    if tails:
        yield (
            f"Rows after the end of life carry no RUL; the file has one there in "
            f"{counted(len(tails), 'battery')} ({_first(tails)} rows)."
        )


def _compared_lives(batteries: Sequence[_Battery], eol: EolRule) -> Iterator[str]:
    """Compare the lives that the file tells with those that follow from capacity."""
    both, differing = 0, []
    for battery in batteries:
        if not battery.from_file or battery.life is None:
            continue
        by_capacity = eol_cycle(battery.cycle_num, battery.soh, eol)
        if by_capacity is None:
            continue
        both += 1
        gap = battery.life - by_capacity
        if gap:
            text = f"{battery.code} {battery.life:,} in the file, {by_capacity:,} by capacity"
            differing.append((abs(gap), text))
    if differing:
        largest = max(gap for gap, _ in differing)
        yield (
            f"In {len(differing):,} of {counted(both, 'battery')} that reach SOH < "
            f"{eol.threshold:.2f}, the cycle life of the file differs from that by capacity, by up "
            f"to {counted(largest, 'cycle')}: {_worst_first(differing)}. The life of the file is "
            "kept."
        )


def _compared_pcl(batteries: Sequence[_Battery], mapping: ColumnMapping) -> Iterator[str]:
    """Compare PCL or SOH of the file with its capacity, where it brings both."""
    differing = []
    for battery in batteries:
        if battery.nominal_ah is None:
            continue
        with np.errstate(over="ignore"):
            computed = 1.0 - battery.capacity_ah / battery.nominal_ah
        gap = np.abs(battery.file_pcl - computed)
        largest = float(np.nanmax(gap)) if np.isfinite(gap).any() else 0.0
        if largest > PCL_AGREES:
            cycle = battery.cycle_num[np.nanargmax(gap)]
            differing.append((largest, f"{battery.code} by up to {largest:.1%} in cycle {cycle:,}"))
    if differing:
        named = "SOH" if mapping.soh_column else "PCL"
        yield (
            f"In {counted(len(differing), 'battery')} {named} of the file differs from capacity "
            f"over nominal capacity: {_worst_first(differing)}. {named} is kept as in the file; "
            "check the nominal capacity."
        )


def _worst_first(found: Sequence[tuple[float, str]]) -> str:
    return _first([text for _size, text in sorted(found, key=lambda pair: -pair[0])])


def _first(texts: Sequence[str], count: int = EXAMPLES) -> str:
    shown = ", ".join(texts[:count])
    return shown if len(texts) <= count else f"{shown} and {len(texts) - count:,} more"
