"""Finds batteries that occur again, whole or in part, in the same or another dataset."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.base.errors import NotFound
from core.datasets.battery_sketches import SketchedBattery, load_every_sketch, load_records
from core.datasets.datasets import every_dataset
from core.datasets.sketches import CapacityRecord
from core.leakage.copies import Pair, find_continuations, find_copies
from core.leakage.digits import Agreement, compare_digits

# Roles whose batteries a model knows; the one it knows best first.
KnownRole = Literal["train", "val"]
KNOWN_ROLES: tuple[KnownRole, ...] = ("train", "val")
Kind = Literal["same", "overlap", "continues", "follows", "alike"]
STRONGEST_FIRST: tuple[Kind, ...] = ("same", "overlap", "continues", "follows", "alike")
# Reads the capacities of batteries, by their id.
ReadRecords = Callable[[Sequence[SketchedBattery]], Mapping[int, CapacityRecord]]


@dataclass(frozen=True)
class Relative:
    """Two records and the tie between them.

    kind : "same" battery, "overlap" (some cycles in common), "continues" (`other` starts where
        `battery` ends), "follows" (`battery` starts where `other` ends) or "alike" (they fade
        alike, but nothing shows that they are one battery)
    share : share of the shorter record that both have in common, 0 to 1
    medians_agree : the medians over the same cycles are equal within 0.08 %
    agreement : what the digits say, where the capacities themselves were compared
    """

    battery: SketchedBattery
    other: SketchedBattery
    kind: Kind
    share: float
    medians_agree: bool = False
    agreement: Agreement | None = None

    @property
    def basis(self) -> str:
        """What a hint rests on, in words."""
        if self.agreement is None:
            return ""
        equal, compared = self.agreement.equal, self.agreement.compared
        few = "with so few digits, cells that fade alike agree as often"
        if not self.medians_agree:
            return f"{equal:,} of {compared:,} capacities are equal, but {few}"
        medians = "the medians of the same cycles agree within 0.08 %"
        if self.agreement.is_coarse:
            return f"{medians}, and {equal:,} of {compared:,} capacities are equal, but {few}"
        return f"{medians}, but only {equal:,} of {compared:,} capacities are equal"


@dataclass(frozen=True)
class Duplicate:
    """A tie for display: codes and roles of both batteries, and the other one's dataset."""

    battery_code: str
    role: str | None
    other_dataset_id: int
    other_dataset: str
    other_code: str
    other_role: str | None
    kind: Kind
    share: float
    basis: str = ""


def relatives(
    batteries: Sequence[SketchedBattery], others: Sequence[SketchedBattery], read: ReadRecords
) -> list[Relative]:
    """Find all ties between two groups; within one group each pair once, none with itself.

    read : called once, for the pairs on which the sketches cannot decide
    """
    left, right = [item.sketch for item in batteries], [item.sketch for item in others]
    pairs = find_copies(left, right)
    pairs += find_continuations(left, right, [item.nominal_ah for item in others])
    if batteries is not others:
        backwards = find_continuations(right, left, [item.nominal_ah for item in batteries])
        pairs += [Pair(pair.right, pair.left, "follows", pair.share) for pair in backwards]
    chosen: dict[tuple[int, int], Pair] = {}
    for pair in pairs:
        ids = batteries[pair.left].battery_id, others[pair.right].battery_id
        if ids[0] != ids[1] and ids not in chosen and (ids[1], ids[0]) not in chosen:
            chosen[ids] = pair
    unsettled = [pair for pair in chosen.values() if pair.kind == "candidate"]
    asked = [batteries[pair.left] for pair in unsettled] + [others[p.right] for p in unsettled]
    records = read(asked) if asked else {}
    found = []
    for pair in chosen.values():
        battery, other = batteries[pair.left], others[pair.right]
        if pair.kind == "candidate":
            found.append(_settled(battery, other, pair, records))
        else:
            found.append(Relative(battery, other, pair.kind, pair.share))
    return found


def _settled(
    battery: SketchedBattery,
    other: SketchedBattery,
    pair: Pair,
    records: Mapping[int, CapacityRecord],
) -> Relative:
    """Let the digits decide whether a candidate is one battery."""
    agreement = compare_digits(records[battery.battery_id], records[other.battery_id])
    kind: Kind = "same" if agreement.is_same else "alike"
    return Relative(battery, other, kind, agreement.share, pair.medians_agree, agreement)


def seen_relatives(
    known: Mapping[KnownRole, Sequence[SketchedBattery]],
    tested: Sequence[SketchedBattery],
    read: ReadRecords,
) -> dict[int, tuple[KnownRole, Relative]]:
    """The strongest tie of each tested battery with a known one: role and tie, by its id.

    Tested batteries that are known themselves, with the same id, are left out.
    """
    ids = {item.battery_id for items in known.values() for item in items}
    unknown = [item for item in tested if item.battery_id not in ids]
    ties = [(role, tie) for role in KNOWN_ROLES for tie in relatives(known[role], unknown, read)]
    found: dict[int, tuple[KnownRole, Relative]] = {}
    for kind in STRONGEST_FIRST:
        for role, tie in ties:
            if tie.kind == kind:
                found.setdefault(tie.other.battery_id, (role, tie))
    return found


def list_duplicates(session: Session, user: CurrentUser, dataset_id: int) -> list[Duplicate]:
    """List ties of a dataset's batteries with each other and with those of all visible datasets."""
    datasets = every_dataset(session, user)
    if not any(summary.id == dataset_id for summary in datasets):
        raise NotFound("dataset")
    sketches = load_every_sketch(session, user)
    own = sketches.get(dataset_id, [])
    duplicates = []
    for summary in datasets:
        others = sketches.get(summary.id, [])
        duplicates += [
            Duplicate(
                battery_code=tie.battery.code,
                role=tie.battery.role,
                other_dataset_id=summary.id,
                other_dataset=summary.name,
                other_code=tie.other.code,
                other_role=tie.other.role,
                kind=tie.kind,
                share=tie.share,
                basis=tie.basis if tie.kind == "alike" else "",
            )
            for tie in relatives(own, others, partial(load_records, session, user))
        ]
    return sorted(duplicates, key=lambda item: (item.battery_code, item.other_dataset))
