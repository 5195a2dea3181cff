"""The leakage check of a test: what the model knew of its batteries, and the columns it reads."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.datasets.series import targets_of
from core.evaluation.material import TestMaterial
from core.leakage.battery_findings import seen_findings
from core.leakage.column_findings import label_findings
from core.leakage.finding import Finding, Question, gravest_first
from core.leakage.findings import find_column_leaks


def test_findings(
    session: Session, user: CurrentUser, material: TestMaterial, codes: Collection[str]
) -> tuple[Finding, ...]:
    """What a test of some batteries would give away; the gravest first.

    codes : of the batteries to test
    """
    model, dataset = material.model, material.dataset
    ids = set(dataset.ids_of(codes).values())
    seen = {battery_id: tie for battery_id, tie in material.seen.items() if battery_id in ids}
    question = Question(targets_of(model.target), model.max_horizon == 0)
    needed = [name.casefold() for name in model.config.features]
    return gravest_first(
        [
            *seen_findings(seen, model.dataset_name),
            *find_column_leaks(session, user, dataset, list(codes), question, needed),
            *label_findings(dataset.summary, question),
        ]
    )


test_findings.__test__ = False  # type: ignore[attr-defined]
