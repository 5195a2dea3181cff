"""Every address of the app that an account can open: lists, objects, and the views of each."""

from collections.abc import Iterator

from core.database import read_scope
from core.datasets import list_datasets
from core.registry import list_models
from core.studies import list_studies
from core.testing import list_tests
from core.training_views import list_jobs
from core.uploads import list_uploads
from core.users import CurrentUser
from pages import datasets, explore, results
from tests.paths import ROOT
from ui import result_compare
from ui.training_groups import PHYSICS_VIEW

Address = tuple[str, dict[str, str | int]]
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("[!_]*.py"))
# Pages that take the id of a dataset and show one thing about it.
OF_A_DATASET = ("explore", "leakage", "new_training", "new_test", "leaderboard", "early_prediction")
MODEL_VIEWS = ("Errors", "Model card", "Settings", PHYSICS_VIEW)


def list_addresses(user: CurrentUser) -> Iterator[Address]:
    """The lists, and every object of the account with the view that comes first."""
    yield from ((page, {}) for page in PAGES)
    yield "early_prediction", {"new": 1}
    with read_scope() as session:
        found = {
            ("datasets", "dataset"): list_datasets(session, user),
            ("upload", "upload"): list_uploads(session, user),
            ("runs", "job"): list_jobs(session, user),
            ("models", "model"): list_models(session, user),
            ("new_test", "model"): list_models(session, user),
            ("results", "test"): list_tests(session, user),
            ("early_prediction", "study"): list_studies(session, user),
        }
    for (page, name), objects in found.items():
        yield from ((page, {name: one.id}) for one in objects)
    for dataset in found["datasets", "dataset"]:
        yield from ((page, {"dataset": dataset.id}) for page in OF_A_DATASET)
    for job in found["runs", "job"]:
        yield from (("runs", {"job": job.id, "run": run.id}) for run in job.runs)
    done = [t for t in found["results", "test"] if t.status == "SUCCEEDED"]
    for target in ("PCL", "RUL"):
        alike = [test.id for test in done if target in test.targets and test.horizon == 0]
        if len(alike) > 1:
            yield "results", {"compare": f"{alike[0]},{alike[1]}"}


def list_views(addresses: list[Address]) -> Iterator[Address]:
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
            yield from ((page, params | {"compared_view": v}) for v in result_compare.VIEWS[1:])
        elif page == "models" and "model" in params:
            yield from ((page, params | {"model_view": view}) for view in MODEL_VIEWS[1:])
