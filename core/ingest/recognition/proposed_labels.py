"""The part of a proposal about labels: their columns, units, and the nominal capacity."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.base.words import rounded
from core.ingest.recognition.draft import Draft
from core.ingest.recognition.evidence import Evidence
from core.ingest.recognition.known_names import Role
from core.ingest.recognition.nominal_capacity import (
    guess_by_battery,
    nominal_from_soh,
    size_groups,
    usual_capacity,
)
from core.ingest.recognition.questions import EACH, ONE, Question
from core.ingest.recognition.row_structure import differences, is_running_total
from core.ingest.recognition.true_causes import refuse_specific_capacity
from core.ingest.recognition.units_and_scale import (
    CapacityScale,
    about,
    capacity_scale,
    rul_fault,
    share_unit,
    unit_of,
)

_NUMBER_ROLES: tuple[Role, ...] = ("capacity", "pcl", "soh", "rul", "nominal")


def propose_labels(
    draft: Draft, evidence: Evidence, roles: dict[Role, list[str]], numeric: Sequence[str]
) -> None:
    for role in _NUMBER_ROLES:
        for column in roles.get(role, []):
            if column not in numeric:
                continue
            fault = rul_fault(evidence, column) if role == "rul" else ""
            if fault:
                draft.guesses.append(f"{fault}. Map no RUL, and it is computed from capacity.")
            draft.change(**{f"{role}_column": column})
            break
    mapping = draft.mapping
    if mapping.pcl_column and mapping.soh_column:
        draft.leave_out(mapping.soh_column, "says the same as PCL")
        draft.change(soh_column=None)
    for column in roles.get("life", []):
        if column in numeric:
            draft.leave_out(column, "holds the cycle life of each battery: map it to take it")
            draft.guesses.append(
                f"{column!r} holds a cycle life of each battery: map it to take it as the label; "
                "now the life is computed from capacity."
            )


def propose_capacity(draft: Draft, evidence: Evidence) -> None:
    """Unit and scale of the capacity, and the nominal capacity."""
    column = draft.mapping.capacity_column
    if column is None:
        return
    values = evidence.numbers(column)
    total = is_running_total(evidence.by_battery(values))
    if total:
        draft.change(cumulative=True)
        draft.guesses.append(
            f"{column!r} only grows, as a counter that is never reset: the capacity of a cycle is "
            "the difference to the cycle before."
        )
        values = _per_cycle(evidence, values)
    scale = capacity_scale(evidence, column, total)
    if scale.kind == "specific":
        refuse_specific_capacity(column)
    if scale.kind in ("fraction", "percent"):
        _as_share(draft, column, scale)
        return
    draft.change(capacity_unit=scale.unit)
    tops = evidence.tops(values)
    if tops.empty:
        return
    typical = float(tops.median())
    if not scale.told and scale.unit == "mAh":
        draft.guesses.append(f"The capacities ({about(typical)}) are taken to be in mAh.")
    if not scale.sure:
        draft.questions.append(
            Question(
                "capacity_unit",
                f"Column {column!r} ({about(typical)}) does not say its unit: is it Ah or mAh?",
                ("Ah", "mAh"),
            )
        )
    _nominal(draft, evidence, tops * (1e-3 if scale.unit == "mAh" else 1.0), values)


def _as_share(draft: Draft, column: str, scale: CapacityScale) -> None:
    words = "percent" if scale.kind == "percent" else "a fraction"
    if draft.mapping.soh_column or draft.mapping.pcl_column:
        draft.change(capacity_column=None)
        draft.leave_out(column, f"is a capacity as {words} of nominal capacity, beside SOH or PCL")
        return
    unit = "percent" if scale.kind == "percent" else "fraction"
    draft.change(capacity_column=None, soh_column=column, soh_unit=unit)
    draft.guesses.append(
        f"{column!r} is taken as SOH in {words}, not as a capacity in Ah: every battery starts at "
        f"{'100' if unit == 'percent' else '1'}."
    )


def _per_cycle(evidence: Evidence, values: np.ndarray) -> np.ndarray:
    order = np.lexsort((evidence.cycle, evidence.codes.codes))
    order = order[np.isfinite(values[order])]
    made = np.full(len(values), np.nan)
    made[order] = differences(evidence.by_battery(values))
    return made


def _nominal(draft: Draft, evidence: Evidence, tops_ah: "pd.Series", values: np.ndarray) -> None:
    mapping = draft.mapping
    if mapping.nominal_column is not None:
        _nominal_of_column(draft, evidence, tops_ah)
        return
    if mapping.soh_column is not None:
        unit = share_unit(evidence, mapping.soh_column, "soh") or "fraction"
        soh = evidence.numbers(mapping.soh_column) * (0.01 if unit == "percent" else 1.0)
        factor = 1e-3 if mapping.capacity_unit == "mAh" else 1.0
        told = nominal_from_soh(values * factor, soh)
        if told is not None:
            draft.change(nominal_capacity_ah=told)
            draft.guesses.append(
                f"The nominal capacity is {told:g} Ah by capacity over SOH of the file."
            )
            return
    groups = size_groups(tops_ah)
    if len(groups) > 1:
        _two_sizes(draft, groups)
        return
    first = float(tops_ah.median())
    nominal = usual_capacity(first)
    draft.change(nominal_capacity_ah=nominal)
    draft.guesses.append(
        f"The nominal capacity of {nominal:g} Ah is a guess from the first cycles "
        f"({rounded(first, 3)} Ah). Correct it if the data sheet says otherwise."
    )


def _nominal_of_column(draft: Draft, evidence: Evidence, tops_ah: "pd.Series") -> None:
    column = str(draft.mapping.nominal_column)
    unit = unit_of(evidence, column)
    stated = evidence.numbers(column)
    known = stated[np.isfinite(stated)]
    if not len(known):
        draft.change(nominal_column=None)
        return
    mah = unit == "mAh" or (not unit and np.median(known) > 20 * float(tops_ah.median()))
    draft.change(nominal_unit="mAh" if mah else "Ah")
    draft.guesses.append(
        f"{column!r} ({about(float(np.median(known)))}) is taken as each battery's nominal "
        f"capacity in {'mAh' if mah else 'Ah'}."
    )


def _two_sizes(draft: Draft, groups: Sequence["pd.Series"]) -> None:
    guesses = guess_by_battery(groups)
    draft.change(nominal_by_battery=guesses)
    sizes = "; ".join(_one_size(group, guesses) for group in groups[:4])
    more = f"; and {len(groups) - 4} more sizes" if len(groups) > 4 else ""
    sentence = f"Batteries of different sizes are in the file: {sizes}{more}."
    draft.guesses.append(sentence)
    draft.questions.append(
        Question(
            "nominal_capacity_ah", f"{sentence} Which nominal capacity holds for them?", (EACH, ONE)
        )
    )


def _one_size(group: "pd.Series", guesses: dict[str, float]) -> str:
    codes = [str(code) for code in group.index]
    shown = ", ".join(codes[:3]) + (f" and {len(codes) - 3} more" if len(codes) > 3 else "")
    return f"{shown} start at {about(float(group.median()))} Ah ({guesses[codes[0]]:g} Ah?)"


def propose_share_units(draft: Draft, evidence: Evidence) -> None:
    mapping = draft.mapping
    if (mapping.soh_column is not None and mapping.capacity_column is not None) or (
        mapping.soh_column is not None and mapping.soh_unit == "fraction"
    ):
        draft.change(soh_unit=share_unit(evidence, mapping.soh_column, "soh") or "fraction")
    if mapping.pcl_column is None:
        return
    unit = share_unit(evidence, mapping.pcl_column, "pcl")
    draft.change(pcl_unit=unit or "fraction")
    if unit is None:
        largest = float(np.nanmax(evidence.numbers(mapping.pcl_column)))
        draft.questions.append(
            Question(
                "pcl_unit",
                f"Column {mapping.pcl_column!r} stays below {rounded(largest, 3)}: is it a "
                "fraction or percent?",
                ("fraction", "percent"),
            )
        )
