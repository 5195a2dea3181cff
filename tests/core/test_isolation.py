"""Every service function is known: who may ask what, and how it is asked."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from sqlalchemy.orm import Session

import core
from core.access import guard
from core.access.actor import CurrentUser
from core.accounts import accounts, sessions
from core.datasets import (
    battery_sketches,
    corrected_rules,
    cycles,
    datasets,
    explore,
    label_change,
    relabel,
    rul_end,
    uploads,
)
from core.evaluation import (
    comparison,
    cycles_seen,
    drawable,
    evaluations,
    exports,
    horizons,
    leaderboard,
    predicted_lives,
    results,
)
from core.evaluation import leakage_check as test_leakage
from core.evaluation import material as test_material
from core.evaluation import start as test_start
from core.evaluation.request import TestRequest
from core.ingest.mapping import ColumnMapping
from core.leakage import findings, relatives
from core.leakage.finding import Question
from core.model_versions import card as model_card
from core.model_versions import package as model_package
from core.model_versions import provenance
from core.model_versions import versions as registry
from core.removal import marking
from core.studies import early_life, row_split, studies
from core.studies.settings import StudySettings
from core.training import ensembles, trainings, twin_plans, twin_report, twins
from core.training import entries as training_entries
from core.training import leakage_check as training_leakage
from core.training import start as training_start
from core.training import views as training_views
from core.training.request import TrainingRequest
from tests.core.seeding import World

MISSING = 999_999
Call = Callable[[Session, CurrentUser, World], Any]


def _model(session: Session, w: World) -> registry.ModelInfo:
    info = registry.get_model_info(session, w.user, w.model_id) if w.model_id != MISSING else None
    return info or replace(registry.list_models(session, w.user)[0], id=MISSING, job_id=MISSING)


def _test_request(w: World) -> TestRequest:
    return TestRequest(w.model_id, w.dataset_id)


def _training_request(w: World) -> TrainingRequest:
    return TrainingRequest(w.dataset_id, "PCL", ["BASELINE"], hyperparams={"epochs": 1})


def _dataset(session: Session, w: World) -> datasets.LoadedDataset:
    return datasets.load_dataset(session, w.user, w.dataset_id)


def _sketched(w: World) -> battery_sketches.SketchedBattery:
    """A battery of the first account, as somebody might make it up."""
    return battery_sketches.SketchedBattery(w.dataset_id, 1, "b0", None, None, [])


def _material(session: Session, w: World) -> test_material.TestMaterial:
    dataset = _dataset(session, w)
    return test_material.load_test_material(session, w.user, _model(session, w), dataset)


def _training_plan(session: Session, w: World) -> training_start.TrainingPlan:
    return training_start.plan_training(session, w.user, _training_request(w))


def plan_of_test(session: Session, w: World) -> test_start.TestPlan:
    """The plan of a test, or what it would be of things that are not there."""
    model = registry.list_models(session, w.user)[0]
    plan = test_start.plan_test(session, w.user, TestRequest(model.id, model.dataset_id))
    return replace(
        plan, model_id=w.model_id, dataset_id=w.dataset_id, labels_versions={w.dataset_id: 1}
    )


def _twin_plan(session: Session, w: World) -> twin_plans.TwinPlan:
    return twin_plans.TwinPlan(w.model_id, "twins", (_training_plan(session, w),))


# Each asks for one thing by its id; whoever does not own it must hear "no such ...".
BY_ID: dict[Callable[..., Any], Call] = {
    guard.get_upload: lambda s, u, w: guard.get_upload(s, u, w.upload_id),
    guard.get_dataset: lambda s, u, w: guard.get_dataset(s, u, w.dataset_id),
    guard.get_kept_datasets: lambda s, u, w: guard.get_kept_datasets(s, u, [w.dataset_id]),
    guard.get_owned_dataset: lambda s, u, w: guard.get_owned_dataset(s, u, w.dataset_id),
    guard.get_job: lambda s, u, w: guard.get_job(s, u, w.job_id),
    guard.get_run: lambda s, u, w: guard.get_run(s, u, w.run_id),
    guard.get_model: lambda s, u, w: guard.get_model(s, u, w.model_id),
    guard.get_test: lambda s, u, w: guard.get_test(s, u, w.test_id),
    guard.get_result: lambda s, u, w: guard.get_result(s, u, w.test_id),
    guard.get_study: lambda s, u, w: guard.get_study(s, u, w.study_id),
    guard.get_export: lambda s, u, w: guard.get_export(s, u, w.export_id),
    comparison.compare_tests: lambda s, u, w: comparison.compare_tests(s, u, [w.test_id], "PCL"),
    comparison.unseen_errors: lambda s, u, w: comparison.unseen_errors(s, u, [w.test_id], "PCL"),
    cycles.load_cycles: lambda s, u, w: cycles.load_cycles(s, u, w.dataset_id),
    cycles_seen.get_cycles_seen: lambda s, u, w: cycles_seen.get_cycles_seen(s, u, [w.test_id]),
    datasets.battery_ids: lambda s, u, w: datasets.battery_ids(s, u, w.dataset_id, ["b0"]),
    datasets.describe_dataset: lambda s, u, w: datasets.describe_dataset(s, u, w.dataset_id),
    datasets.get_dataset_summary: lambda s, u, w: datasets.get_dataset_summary(s, u, w.dataset_id),
    datasets.keep_datasets: lambda s, u, w: datasets.keep_datasets(s, u, {w.dataset_id: 1}),
    datasets.load_dataset: lambda s, u, w: datasets.load_dataset(s, u, w.dataset_id),
    datasets.list_batteries: lambda s, u, w: datasets.list_batteries(s, u, w.dataset_id),
    datasets.rename_dataset: lambda s, u, w: datasets.rename_dataset(s, u, w.dataset_id, "x"),
    datasets.set_split: lambda s, u, w: datasets.set_split(s, u, w.dataset_id, {"b0": "val"}),
    marking.delete_dataset: lambda s, u, w: marking.delete_dataset(s, u, w.dataset_id),
    marking.delete_job: lambda s, u, w: marking.delete_job(s, u, w.job_id),
    marking.delete_test: lambda s, u, w: marking.delete_test(s, u, w.test_id),
    marking.list_dataset_dependents: lambda s, u, w: marking.list_dataset_dependents(
        s, u, w.dataset_id
    ),
    marking.list_job_dependents: lambda s, u, w: marking.list_job_dependents(s, u, w.job_id),
    early_life.create_from_dataset: lambda s, u, w: early_life.create_from_dataset(
        s, u, "x", w.dataset_id
    ),
    ensembles.list_members: lambda s, u, w: ensembles.list_members(s, u, w.job_id),
    explore.battery_cycles: lambda s, u, w: explore.battery_cycles(s, u, w.dataset_id, "b0"),
    explore.correlations: lambda s, u, w: explore.correlations(s, u, w.dataset_id),
    explore.feature_values: lambda s, u, w: explore.feature_values(s, u, w.dataset_id, "pcl"),
    explore.fleet_curves: lambda s, u, w: explore.fleet_curves(s, u, w.dataset_id, "pcl"),
    explore.list_quantities: lambda s, u, w: explore.list_quantities(s, u, w.dataset_id),
    exports.create_export: lambda s, u, w: exports.create_export(s, u, w.test_id, "CSV"),
    exports.get_export_info: lambda s, u, w: exports.get_export_info(s, u, w.export_id),
    exports.latest_exports: lambda s, u, w: exports.latest_exports(s, u, w.test_id),
    exports.open_export: lambda s, u, w: exports.open_export(s, u, w.export_id),
    horizons.horizon_errors: lambda s, u, w: horizons.horizon_errors(s, u, [w.test_id], "PCL"),
    corrected_rules.accept_correction: lambda s, u, w: corrected_rules.accept_correction(
        s, u, w.dataset_id
    ),
    corrected_rules.preview_correction: lambda s, u, w: corrected_rules.preview_correction(
        s, u, w.dataset_id
    ),
    explore.isolated_readings: lambda s, u, w: explore.isolated_readings(s, u, w.dataset_id),
    guard.get_correctable_dataset: lambda s, u, w: guard.get_correctable_dataset(
        s, u, w.dataset_id
    ),
    label_change.compute_correction: lambda s, u, w: label_change.compute_correction(
        s, u, w.dataset_id
    ),
    relabel.store_change: lambda s, u, w: relabel.store_change(
        s, u, w.dataset_id, label_change.compute_change(s, w.user, w.dataset_id, 1.0, None)
    ),
    rul_end.state_rul_end_of_life: lambda s, u, w: rul_end.state_rul_end_of_life(
        s, u, w.dataset_id, 0.8
    ),
    label_change.compute_change: lambda s, u, w: label_change.compute_change(
        s, u, w.dataset_id, 1.0, None
    ),
    leaderboard.rank_models: lambda s, u, w: leaderboard.rank_models(
        s, u, leaderboard.Board(w.dataset_id, "x", "PCL", 0, 2)
    ),
    findings.dataset_findings: lambda s, u, w: findings.dataset_findings(s, u, w.dataset_id),
    findings.find_column_leaks: lambda s, u, w: findings.find_column_leaks(
        s, u, _dataset(s, w), ["b0"], Question(("PCL",), estimates=True)
    ),
    training_leakage.training_findings: lambda s, u, w: training_leakage.training_findings(
        s, u, _training_request(w), _dataset(s, w)
    ),
    test_leakage.test_findings: lambda s, u, w: test_leakage.test_findings(
        s, u, _material(s, w), ["b0"]
    ),
    test_material.load_test_material: lambda s, u, w: test_material.load_test_material(
        s, u, _model(s, w), datasets.load_dataset(s, u, w.dataset_id)
    ),
    test_start.plan_test: lambda s, u, w: test_start.plan_test(s, u, _test_request(w)),
    test_start.write_test: lambda s, u, w: test_start.write_test(s, u, plan_of_test(s, w)),
    provenance.get_job_roles: lambda s, u, w: provenance.get_job_roles(s, u, w.job_id),
    relatives.list_duplicates: lambda s, u, w: relatives.list_duplicates(s, u, w.dataset_id),
    battery_sketches.load_sketches: lambda s, u, w: battery_sketches.load_sketches(
        s, u, w.dataset_id
    ),
    battery_sketches.load_records: lambda s, u, w: battery_sketches.load_records(
        s, u, [_sketched(w)]
    ),
    drawable.list_peers: lambda s, u, w: drawable.list_peers(s, u, w.test_id, "PCL"),
    model_card.model_card: lambda s, u, w: model_card.model_card(s, u, w.model_id),
    model_package.package_model: lambda s, u, w: model_package.package_model(s, u, w.model_id),
    model_package.package_name: lambda s, u, w: model_package.package_name(s, u, w.model_id),
    registry.compare_configs: lambda s, u, w: registry.compare_configs(s, u, [w.model_id]),
    registry.delete_model: lambda s, u, w: registry.delete_model(s, u, w.model_id),
    registry.get_model_info: lambda s, u, w: registry.get_model_info(s, u, w.model_id),
    registry.open_checkpoint: lambda s, u, w: registry.open_checkpoint(s, u, w.model_id),
    registry.rename_model: lambda s, u, w: registry.rename_model(s, u, w.model_id, "x"),
    relabel.apply_relabel: lambda s, u, w: relabel.apply_relabel(s, u, w.dataset_id, 1.0, None),
    relabel.preview_relabel: lambda s, u, w: relabel.preview_relabel(s, u, w.dataset_id, 1.0, None),
    predicted_lives.predicted_lives: lambda s, u, w: predicted_lives.predicted_lives(
        s, u, w.test_id
    ),
    results.cycle_error_boxes: lambda s, u, w: results.cycle_error_boxes(s, u, w.test_id, "PCL"),
    results.error_points: lambda s, u, w: results.error_points(s, u, w.test_id, "PCL"),
    results.get_result: lambda s, u, w: results.get_result(s, u, w.test_id),
    results.load_predictions: lambda s, u, w: results.load_predictions(s, u, w.test_id),
    results.prediction_curves: lambda s, u, w: results.prediction_curves(
        s, u, w.test_id, "PCL", ["b3"]
    ),
    row_split.create_row_split: lambda s, u, w: row_split.create_row_split(s, u, w.dataset_id),
    studies.cancel_study: lambda s, u, w: studies.cancel_study(s, u, w.study_id),
    studies.create_study: lambda s, u, w: studies.create_study(
        s, u, "ROW_SPLIT", "x", StudySettings(), dataset_id=w.dataset_id
    ),
    studies.delete_study: lambda s, u, w: studies.delete_study(s, u, w.study_id),
    studies.get_study_info: lambda s, u, w: studies.get_study_info(s, u, w.study_id),
    studies.get_study_result: lambda s, u, w: studies.get_study_result(s, u, w.study_id),
    studies.load_assignment: lambda s, u, w: studies.load_assignment(s, u, w.study_id),
    studies.rename_study: lambda s, u, w: studies.rename_study(s, u, w.study_id, "x"),
    evaluations.cancel_test: lambda s, u, w: evaluations.cancel_test(s, u, w.test_id),
    evaluations.get_test_info: lambda s, u, w: evaluations.get_test_info(s, u, w.test_id),
    evaluations.get_test_infos: lambda s, u, w: evaluations.get_test_infos(s, u, [w.test_id]),
    evaluations.test_log: lambda s, u, w: evaluations.test_log(s, u, w.test_id),
    trainings.cancel_job: lambda s, u, w: trainings.cancel_job(s, u, w.job_id),
    trainings.cancel_run: lambda s, u, w: trainings.cancel_run(s, u, w.run_id),
    training_start.plan_training: lambda s, u, w: training_start.plan_training(
        s, u, _training_request(w)
    ),
    training_start.write_trainings: lambda s, u, w: training_start.write_trainings(
        s, u, [_training_plan(s, w)]
    ),
    training_views.get_job_info: lambda s, u, w: training_views.get_job_info(s, u, w.job_id),
    training_views.get_run_info: lambda s, u, w: training_views.get_run_info(s, u, w.run_id),
    training_views.run_log: lambda s, u, w: training_views.run_log(s, u, w.run_id),
    training_views.run_metrics: lambda s, u, w: training_views.run_metrics(s, u, [w.run_id]),
    uploads.cancel_upload: lambda s, u, w: uploads.cancel_upload(s, u, w.upload_id),
    twin_report.twin_report: lambda s, u, w: twin_report.twin_report(s, u, w.model_id),
    twins.cancel_twins: lambda s, u, w: twins.cancel_twins(s, u, w.model_id),
    twin_plans.estimate_twins: lambda s, u, w: twin_plans.estimate_twins(s, u, w.model_id),
    twins.find_twins: lambda s, u, w: twins.find_twins(s, u, w.model_id),
    twin_plans.plan_twins: lambda s, u, w: twin_plans.plan_twins(s, u, w.model_id),
    twin_plans.write_twins: lambda s, u, w: twin_plans.write_twins(s, u, _twin_plan(s, w)),
    uploads.confirm_mapping: lambda s, u, w: uploads.confirm_mapping(
        s, u, w.upload_id, ColumnMapping(), "x"
    ),
    uploads.delete_upload: lambda s, u, w: uploads.delete_upload(s, u, w.upload_id),
    uploads.get_upload_info: lambda s, u, w: uploads.get_upload_info(s, u, w.upload_id),
    uploads.open_upload: lambda s, u, w: uploads.open_upload(s, u, w.upload_id),
    uploads.refuse_upload: lambda s, u, w: uploads.refuse_upload(s, u, w.upload_id, "x"),
    uploads.preview_upload: lambda s, u, w: uploads.preview_upload(s, u, w.upload_id),
    uploads.outlook_of_upload: lambda s, u, w: uploads.outlook_of_upload(
        s, u, w.upload_id, ColumnMapping()
    ),
}
# Each lists what the account may see; the first account has something of each.
LISTS: tuple[Callable[..., Any], ...] = (
    datasets.list_datasets,
    registry.list_models,
    studies.list_studies,
    evaluations.list_tests,
    training_views.list_jobs,
    training_views.list_runs,
    datasets.every_dataset,
    uploads.list_uploads,
)
# Each describes those of the given things that the account sees, and passes over the others.
DESCRIBED: dict[Callable[..., Any], Call] = {
    registry.describe_models: lambda s, u, w: registry.describe_models(s, u, [w.model_id]),
    evaluations.describe_tests: lambda s, u, w: evaluations.describe_tests(s, u, [w.test_id]),
    evaluations.test_statuses: lambda s, u, w: evaluations.test_statuses(s, u, [w.test_id]),
    training_views.describe_jobs: lambda s, u, w: training_views.describe_jobs(s, u, [w.job_id]),
    training_entries.training_board: lambda s, u, w: training_entries.training_board(s, u).listed,
    datasets.newest_fleet: lambda s, u, w: [
        fleet for fleet in [datasets.newest_fleet(s, u)] if fleet and fleet.id == w.dataset_id
    ],
    battery_sketches.load_every_sketch: lambda s, u, w: battery_sketches.load_every_sketch(
        s, u
    ).get(w.dataset_id, []),
}
QUERIES: tuple[Callable[..., Any], ...] = (
    guard.correctable_datasets,
    guard.owned_datasets,
    guard.visible_batteries,
    guard.visible_datasets,
    guard.visible_exports,
    guard.visible_jobs,
    guard.visible_models,
    guard.visible_results,
    guard.visible_runs,
    guard.visible_studies,
    guard.visible_tasks,
    guard.visible_tests,
    guard.visible_uploads,
)
# Each is about the acting account and takes no id of anything else.
ABOUT_ONESELF: tuple[Callable[..., Any], ...] = (
    accounts.change_password,
    accounts.delete_account,
    accounts.list_users,
    accounts.preview_deletion,
    marking.delete_everything_of,
    marking.list_account_dependents,
    early_life.create_from_table,
    leaderboard.list_boards,
    registry.has_twins,
    twins.superseded_twins,
    twins.twin_origins,
    sessions.end_all_sessions,
    sessions.list_sessions,
    sessions.start_session,
    uploads.receive_upload,
)
# Each opens its own sessions and calls one of the functions above to plan and one to write.
AT_THE_EDGE: dict[Callable[..., Any], Callable[[CurrentUser, World], Any]] = {
    training_start.start_training: lambda u, w: training_start.start_training(
        u, _training_request(w)
    ),
    test_start.start_test: lambda u, w: test_start.start_test(u, _test_request(w)),
    twin_plans.start_twins: lambda u, w: twin_plans.start_twins(u, w.model_id),
}
# Take a session but no account: steps of background work and of signing in. No page calls them
# with an id of its own choosing; what is added here needs that reason.
WITHOUT_ACCOUNT = {
    "core.removal.active_work": {"refuse_active_work"},
    "core.accounts.accounts": {"add_user", "has_users", "sign_up", "user_by_email"},
    "core.accounts.sign_in": {"count_attempt", "forgive_attempts"},
    "core.datasets.builtin": {"add_builtin", "begin", "demo_fleet_task", "find_builtin", "settle"},
    "core.datasets.writing": {"create_loading_dataset", "publish"},
    "core.training.ensembles": {"advance", "has_begun"},
    "core.evaluation.exports": {"begin", "queue_export", "settle"},
    "core.jobs.context": {"load_context"},
    "core.jobs.kinds": {"settle_task"},
    "core.jobs.states": {"move"},
    "core.jobs.queue": {
        "end_task",
        "enqueue",
        "enqueue_all",
        "is_busy",
        "is_idle",
        "latest_tasks",
        "remove_tasks",
        "ask_to_stop",
        "cancel_task",
    },
    "core.base.paging": {"page_ids"},
    "core.model_versions.versions": {"add_model", "next_version"},
    "core.base.storage": {"remove_on_rollback"},
    "core.accounts.sessions": {"account_of_email", "end_session", "user_of_session"},
    "core.studies.studies": {"begin", "settle"},
    "core.evaluation.evaluations": {"add_log", "begin", "settle"},
    # Of metrics that the caller has already read for an account.
    "core.evaluation.label_groups": {"label_groups"},
    "core.training.trainings": {"begin", "settle", "update_job"},
    "core.training.views": {"log_page"},
    "core.datasets.uploads": {"begin", "settle"},
    "core.access.actor": {"load_user"},
}


def service_functions() -> Iterator[Callable[..., Any]]:
    """Public functions of all modules of `core`."""
    for module in walk_packages(core.__path__, "core."):
        if module.name == "core.__main__":
            continue
        for name, function in inspect.getmembers(import_module(module.name), inspect.isfunction):
            if function.__module__ == module.name and not name.startswith("_"):
                yield function


def test_the_walk_knows_every_service_function() -> None:
    known = {*BY_ID, *LISTS, *QUERIES, *DESCRIBED, *ABOUT_ONESELF, *AT_THE_EDGE}
    found = {f for f in service_functions() if "user" in inspect.signature(f).parameters}
    assert _names(found - known) == [], "add the function to the walk above"
    assert _names(known - found) == []


def test_functions_without_an_account_are_known() -> None:
    found: dict[str, set[str]] = {}
    for function in service_functions():
        parameters = inspect.signature(function).parameters
        if "session" in parameters and "user" not in parameters:
            found.setdefault(function.__module__, set()).add(function.__name__)
    assert found == WITHOUT_ACCOUNT


def _names(functions: set[Callable[..., Any]]) -> list[str]:
    return sorted(f"{f.__module__}.{f.__name__}" for f in functions)
