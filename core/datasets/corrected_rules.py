"""Datasets whose labels follow older rules: what the rules of now change, and accepting that.

A dataset keeps the labels that it was stored with until somebody accepts the corrected ones.
"""

from dataclasses import dataclass

import pandas as pd
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import Conflict, NotFound
from core.base.words import counted
from core.datasets.label_change import LabelChange, compute_correction
from core.datasets.relabel import store_change
from core.ingest.feature_schema import LABEL_RULES, FeatureSchema


@dataclass(frozen=True)
class Correction:
    """What the rules of now change in a dataset.

    lives : battery_code, before and after (cycles, Int64, <NA> = none) of each changed life
    n_batteries : of the dataset
    cycles : number of cycles in which any label changes
    may_accept : whether the user may accept it
    """

    lives: pd.DataFrame
    n_batteries: int
    cycles: int
    may_accept: bool

    def describe(self) -> str:
        """What changes, in a sentence or two."""
        of_all = f"{len(self.lives):,} of {counted(self.n_batteries, 'life', 'lives')}"
        if not self.cycles and self.lives.empty:
            return "By the corrected rules of labels nothing changes."
        if self.lives.empty:
            return f"By the corrected rules no life changes, but RUL in {self._cycles()} does."
        verb = "changes" if len(self.lives) == 1 else "change"
        parts = [f"By the corrected rules {of_all} {verb}"]
        gaps = (self.lives["after"] - self.lives["before"]).abs().dropna()
        if len(gaps):
            low, high = int(gaps.min()), int(gaps.max())
            size = counted(high, "cycle") if low == high else f"{low:,} to {high:,} cycles"
            parts.append(f", by {size}")
        gone = int((self.lives["before"].notna() & self.lives["after"].isna()).sum())
        new = int((self.lives["before"].isna() & self.lives["after"].notna()).sum())
        if gone:
            parts.append(f"; {counted(gone, 'battery has', 'batteries have')} no life any more")
        if new:
            parts.append(f"; {counted(new, 'battery gets', 'batteries get')} a life")
        return "".join(parts) + "."

    def _cycles(self) -> str:
        return counted(self.cycles, "cycle")


def follows_older_rules(schema: FeatureSchema) -> bool:
    """Whether the labels of a dataset were computed by rules that have been corrected since."""
    return schema.label_rules < LABEL_RULES


def preview_correction(session: Session, user: CurrentUser, dataset_id: int) -> Correction:
    """What the rules of now change in a dataset that the user sees; nothing is written."""
    change = compute_correction(session, user, dataset_id)
    return _summary(change, _may_accept(session, user, dataset_id))


def accept_correction(session: Session, user: CurrentUser, dataset_id: int) -> Correction:
    """Compute the labels of a dataset by the rules of now; returns what changed.

    The owner may do so; for a built-in dataset, an administrator. Where no label changes, only the
    version of the rules does, so models are not marked as trained on older labels.

    Raises
    ------
    NotFound
        The dataset does not exist, or is not the user's to correct.
    Conflict
        It follows the rules of now already, or a training, test, export or study on it waits or
        runs.
    """
    with read_scope() as reader:
        guard.get_correctable_dataset(reader, user, dataset_id)
        change = compute_correction(reader, user, dataset_id)
    dataset = guard.get_correctable_dataset(session, user, dataset_id, lock=True)
    schema = FeatureSchema.from_json(dataset.feature_schema)
    if not follows_older_rules(schema):
        raise Conflict("The labels of this dataset follow the corrected rules already.")
    found = _summary(change, True)
    if found.cycles or len(found.lives):
        store_change(session, user, dataset_id, change)
        return found
    dataset.feature_schema = schema.changed(
        labels=change.origins.describe(change.eol), label_rules=LABEL_RULES
    ).to_json()
    session.flush()
    return found


def _summary(change: LabelChange, may_accept: bool) -> Correction:
    return Correction(
        lives=change.changed_lives(),
        n_batteries=len(change.batteries),
        cycles=int(change.changed.sum()),
        may_accept=may_accept,
    )


def _may_accept(session: Session, user: CurrentUser, dataset_id: int) -> bool:
    try:
        guard.get_correctable_dataset(session, user, dataset_id)
    except NotFound:
        return False
    return True
