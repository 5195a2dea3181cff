"""What a dataset gives away, by its batteries, its feature columns and its labels."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.datasets.cycles import load_cycles
from core.datasets.datasets import Feature, LoadedDataset, load_dataset
from core.leakage.battery_findings import duplicate_findings
from core.leakage.column_findings import column_finding, label_findings
from core.leakage.columns import Fact, column_facts
from core.leakage.finding import Finding, Question, gravest_first
from core.leakage.relatives import Duplicate, list_duplicates

# Enough to see what a column is, few enough to read at every turn of a page.
SAMPLED_BATTERIES = 12


def dataset_findings(
    session: Session,
    user: CurrentUser,
    dataset_id: int,
    duplicates: Sequence[Duplicate] | None = None,
) -> tuple[Finding, ...]:
    """Check a dataset by itself and against the user's other datasets.

    A caller that has the result of `list_duplicates` already passes it as `duplicates`.
    """
    if duplicates is None:
        duplicates = list_duplicates(session, user, dataset_id)
    dataset = load_dataset(session, user, dataset_id)
    question = Question(("PCL", "RUL"), estimates=True)
    return gravest_first(
        [
            *duplicate_findings(duplicates, dataset_id),
            *find_column_leaks(session, user, dataset, list(dataset.codes.values()), question),
            *label_findings(dataset.summary, question),
        ]
    )


def find_column_leaks(
    session: Session,
    user: CurrentUser,
    dataset: LoadedDataset,
    codes: Sequence[str],
    question: Question,
    needed: Sequence[str] | None = None,
) -> list[Finding]:
    """What feature columns give away, seen on a sample of some batteries.

    codes : the batteries that are used
    needed : names of the features that are used, folded to lower case; None: all
    """
    features = {
        feature.column: feature
        for feature in dataset.summary.features
        if needed is None or feature.name.casefold() in needed
    }
    step = max(1, -(-len(codes) // SAMPLED_BATTERIES))
    sampled = dataset.batteries.set_index("battery_code").loc[sorted(codes)[::step]]
    if sampled.empty or not features:
        return []
    frame = load_cycles(
        session,
        user,
        dataset.summary.id,
        [*features, "pcl", "rul"],
        codes={int(i): str(code) for code, i in sampled["battery_id"].items()},
    )
    lives = {str(code): float(life) for code, life in sampled["cycle_life"].dropna().items()}
    facts: dict[Fact, list[Feature]] = {}
    for fact in column_facts(frame, lives, list(features)):
        facts.setdefault(fact.fact, []).append(features[fact.column])
    found = (column_finding(fact, named, question) for fact, named in facts.items())
    return [finding for finding in found if finding is not None]
