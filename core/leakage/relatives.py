"""Finds batteries that occur again, whole or in part, in the same or another dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.base.errors import NotFound
from core.datasets.battery_sketches import SketchedBattery, load_every_sketch
from core.datasets.datasets import every_dataset
from core.leakage.copies import Kind, Pair, find_continuations, find_copies

# Roles whose batteries a model knows; the one it knows best first.
KnownRole = Literal["train", "val"]
KNOWN_ROLES: tuple[KnownRole, ...] = ("train", "val")
STRONGEST_FIRST: tuple[Kind, ...] = ("same", "overlap", "continues", "follows")


@dataclass(frozen=True)
class Relative:
    """Two records and the tie between them.

    kind : "same" battery, "overlap" (some cycles in common), "continues" (`other` starts where
        `battery` ends) or "follows" (`battery` starts where `other` ends)
    share : share of the shorter record that both have in common, 0 to 1
    """

    battery: SketchedBattery
    other: SketchedBattery
    kind: Kind
    share: float


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


def relatives(
    batteries: Sequence[SketchedBattery], others: Sequence[SketchedBattery]
) -> list[Relative]:
    """Find all ties between two groups; within one group each pair once, none with itself."""
    left, right = [item.sketch for item in batteries], [item.sketch for item in others]
    pairs = find_copies(left, right)
    pairs += find_continuations(left, right, [item.nominal_ah for item in others])
    if batteries is not others:
        backwards = find_continuations(right, left, [item.nominal_ah for item in batteries])
        pairs += [Pair(pair.right, pair.left, "follows", pair.share) for pair in backwards]
    found: dict[tuple[int, int], Relative] = {}
    for pair in pairs:
        battery, other = batteries[pair.left], others[pair.right]
        ids = battery.battery_id, other.battery_id
        if ids[0] != ids[1] and ids not in found and (ids[1], ids[0]) not in found:
            found[ids] = Relative(battery, other, pair.kind, pair.share)
    return list(found.values())


def seen_relatives(
    known: Mapping[KnownRole, Sequence[SketchedBattery]], tested: Sequence[SketchedBattery]
) -> dict[int, tuple[KnownRole, Relative]]:
    """The strongest tie of each tested battery with a known one: role and tie, by its id.

    Tested batteries that are known themselves, with the same id, are left out.
    """
    ids = {item.battery_id for items in known.values() for item in items}
    unknown = [item for item in tested if item.battery_id not in ids]
    ties = [(role, tie) for role in KNOWN_ROLES for tie in relatives(known[role], unknown)]
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
            )
            for tie in relatives(own, others)
        ]
    return sorted(duplicates, key=lambda item: (item.battery_code, item.other_dataset))
