"""Every address of the app that an account can open: lists, objects, and the views of each."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.datasets.datasets import list_datasets
from core.datasets.uploads import list_uploads
from core.evaluation.evaluations import list_tests
from core.model_versions.versions import list_models
from core.studies.early_life import KIND as EARLY_LIFE
from core.studies.filters import StudyFilter
from core.studies.studies import list_studies
from core.training.views import list_jobs
from pages import datasets, explore, results
from tests.paths import ROOT
from ui.evaluation import compare
from ui.training.groups import PHYSICS_VIEW

Address = tuple[str, dict[str, str | int]]
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("[!_]*.py"))
# Pages that take the id of a dataset and show one thing about it.
OF_A_DATASET = ("explore", "leakage", "new_training", "new_test", "leaderboard", "early_prediction")
MODEL_VIEWS = ("Errors", "Model card", "Settings", PHYSICS_VIEW)
# Objects that agree in this look the same to a page.
LOOKS: dict[str, Callable[[Any], Any]] = {
    "dataset": lambda one: one.name,
    "upload": lambda one: (one.status, one.is_active),
    "job": lambda one: (one.status, len(one.runs) > 1),
    "model": lambda one: one.algorithm,
    "test": lambda one: (one.status, one.target, one.horizon > 0),
    "study": lambda one: one.status,
}


def list_addresses(user: CurrentUser, *, all_objects: bool) -> list[Address]:
    """The lists, and the objects of the account: all, or one of each look."""
    early_life = StudyFilter(kind=EARLY_LIFE)
    with read_scope() as session:
        found = {
            ("datasets", "dataset"): list_datasets(session, user),
            ("upload", "upload"): list_uploads(session, user),
            ("runs", "job"): list_jobs(session, user),
            ("models", "model"): list_models(session, user),
            ("new_test", "model"): list_models(session, user),
            ("results", "test"): list_tests(session, user),
            ("early_prediction", "study"): list_studies(session, user, early_life),
        }
    if not all_objects:
        found = {key: _one_of_each(key[1], objects) for key, objects in found.items()}
    addresses: list[Address] = [(page, {}) for page in PAGES]
    addresses.append(("early_prediction", {"new": 1}))
    for (page, name), objects in found.items():
        addresses += [(page, {name: one.id}) for one in objects]
    # Charts of one dataset with labels are as good as those of the next.
    chosen = found["datasets", "dataset"][: None if all_objects else 2]
    addresses += [(page, {"dataset": one.id}) for one in chosen for page in OF_A_DATASET]
    addresses += [
        ("runs", {"job": job.id, "run": run.id}) for job in found["runs", "job"] for run in job.runs
    ]
    return addresses + _comparisons(found["results", "test"])


def list_views(addresses: Sequence[Address]) -> Iterator[Address]:
    """The further views of objects that have several."""
    for page, params in addresses:
        if page == "datasets" and "dataset" in params:
            yield from ((page, params | {"view": view}) for view in datasets.VIEWS[1:])
        elif page == "explore" and "dataset" in params:
            yield from ((page, params | {"view": view}) for view in explore.VIEWS[1:])
        elif page == "results" and "test" in params:
            for view in results.VIEWS[1:]:
                yield page, params | {results.VIEW_KEY: view}
        elif page == "results" and "compare" in params:
            yield from ((page, params | {"compared_view": v}) for v in compare.VIEWS[1:])
        elif page == "models" and "model" in params:
            yield from ((page, params | {"model_view": view}) for view in MODEL_VIEWS[1:])


def _one_of_each(name: str, objects: Sequence[Any]) -> list[Any]:
    return list({LOOKS[name](one): one for one in objects}.values())


def _comparisons(tests: Sequence[Any]) -> list[Address]:
    """The two oldest finished estimates of each target on the same data side by side."""
    pairs: dict[tuple[str, int], list[int]] = {}
    for test in reversed(tests):
        if test.status == "SUCCEEDED" and test.horizon == 0:
            for target in test.targets:
                pairs.setdefault((target, test.dataset_id), []).append(test.id)
    return [
        ("results", {"compare": f"{ids[0]},{ids[1]}"}) for ids in pairs.values() if len(ids) > 1
    ]
