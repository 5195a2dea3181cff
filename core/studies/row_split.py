"""Studies of a random split against a split by battery: their settings, and results as frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import InvalidInput
from core.datasets.datasets import list_batteries
from core.studies.settings import StudySettings
from core.studies.studies import create_study, proposed_name
from db.tables.columns import StudyKind

KIND: StudyKind = "ROW_SPLIT"
FOLDS = 5
MODEL_LABELS = {"TREES": "Gradient-boosted trees", "LINEAR": "Ridge"}


@dataclass(frozen=True)
class RowSplitResult:
    """What a finished study found.

    scores : target, model, rows_rmse, batteries_rmse (PCL: fraction; RUL: cycles), ratio,
        ratio_low, ratio_high (95 %, NaN with few batteries)
    example : cycle_num, target, model, y_true, rows, batteries (both predictions, storage units)
        of one battery
    rows_total, rows_used : labelled cycles of the dataset, and how many of them took part
    """

    scores: pd.DataFrame
    example: pd.DataFrame
    example_code: str
    example_model: str
    n_batteries: int
    rows_total: int
    rows_used: int

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets that were scored."""
        return tuple(dict.fromkeys(self.scores["target"]))


def create_row_split(session: Session, user: CurrentUser, dataset_id: int) -> int:
    """Queue a study of a dataset; returns its id.

    Raises
    ------
    InvalidInput
        The dataset has fewer batteries than folds.
    """
    dataset = guard.get_dataset(session, user, dataset_id)
    n_batteries = len(list_batteries(session, user, dataset_id))
    if n_batteries < FOLDS:
        raise InvalidInput(
            f"This comparison needs at least {FOLDS} batteries; the dataset has {n_batteries}."
        )
    name = proposed_name("Random split against split by battery", dataset.name)
    return create_study(session, user, KIND, name, StudySettings(), dataset_id=dataset_id)


def parse_result(stored: Mapping[str, Any]) -> RowSplitResult:
    """Read a stored result as tables."""
    example = stored["example"]
    parts = [
        pd.DataFrame({"cycle_num": example["cycle_num"], "target": target, **values})
        for target, values in example["targets"].items()
    ]
    return RowSplitResult(
        scores=pd.DataFrame(stored["scores"]),
        example=pd.concat(parts, ignore_index=True),
        example_code=example["code"],
        example_model=example["model"],
        n_batteries=stored["n_batteries"],
        rows_total=stored["rows_total"],
        rows_used=stored["rows_used"],
    )
