"""The command `test`: tests a model on batteries."""

from typing import Annotated, Any

import typer

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.words import counted
from core.cli.edge import ActingEmail, AsJson, NoWait, OverruleRecognition, acting_user
from core.cli.output import metrics_text, show
from core.cli.waiting import INTERRUPTED, finish_task
from core.evaluation.evaluations import TestInfo, get_test_info
from core.evaluation.request import TestRequest
from core.evaluation.results import TestResult, get_result
from core.evaluation.start import start_test


def test_model(
    acting: ActingEmail,
    model: Annotated[
        int, typer.Option(metavar="ID", help="Number of the model; `train` prints it.")
    ],
    dataset: Annotated[int, typer.Option(metavar="ID", help="Dataset; see `datasets`.")],
    batteries: Annotated[
        str | None, typer.Option(help="Codes, separated by commas; by default the test batteries.")
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(help="How many cycles ahead; 0 for a model that estimates.")
    ] = None,
    overrule_recognition: OverruleRecognition = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Test a model; overall metrics count only batteries that it never saw."""
    user = acting_user(acting)
    codes = None if batteries is None else [c.strip() for c in batteries.split(",") if c.strip()]
    test_id = start_test(user, TestRequest(model, dataset, codes, horizon, overrule_recognition))
    info, interrupted = finish_task(
        f"Test {test_id}",
        lambda: _test(user, test_id),
        no_wait,
        f"python -m core export --as {acting} --test {test_id}",
    )
    payload = _payload(user, info)
    show(payload, as_json, _lines(payload))
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def _test(user: CurrentUser, test_id: int) -> TestInfo:
    with read_scope() as session:
        return get_test_info(session, user, test_id)


def _payload(user: CurrentUser, info: TestInfo) -> dict[str, Any]:
    result = None
    if info.status == "SUCCEEDED":
        with read_scope() as session:
            result = get_result(session, user, info.id)
    return {
        "test_job_id": info.id,
        "status": info.status,
        "model": info.model_title,
        "dataset": info.dataset_name,
        "horizon": info.horizon,
        "overruled": info.overruled,
        "overall": _overall(result) if result else {},
        "batteries": _battery_rows(result) if result else [],
    }


def _overall(result: TestResult) -> dict[str, Any]:
    return {target: found.content() for target, found in result.overall.items()}


def _battery_rows(result: TestResult) -> list[dict[str, Any]]:
    """Return one row per battery and target; counts are whole numbers."""
    rows: list[dict[Any, Any]] = result.batteries.astype(object).to_dict("records")
    counts = [n for n in result.batteries.columns if n == "n" or n.endswith("_left_out")]
    for row in rows:
        row |= {name: int(row[name]) for name in counts if row[name] == row[name]}
    return rows


def _lines(payload: dict[str, Any]) -> list[str]:
    lines = [f"Test {payload['test_job_id']} of {payload['model']}: {payload['status']}"]
    lines += payload["overruled"]
    for target, metrics in payload["overall"].items():
        lines.append(
            f"{target} on "
            f"{counted(metrics['n_batteries'], 'unseen battery')}, "
            f"{counted(metrics['n'], 'cycle')}: "
            f"{metrics_text(metrics)}"
        )
    if payload["status"] == "SUCCEEDED" and not payload["overall"]:
        lines.append("No labelled battery that the model never saw, so no overall metrics.")
    return lines
