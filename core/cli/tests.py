"""The command `test`: tests a model on batteries."""

from typing import Annotated, Any

import typer

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.words import counted
from core.cli.edge import ActingEmail, AsJson, NoWait, OverruleRecognition, acting_user
from core.cli.output import metrics_text, show
from core.cli.waiting import INTERRUPTED, finish_task
from core.datasets.datasets import get_dataset_summary
from core.evaluation.evaluations import TestInfo, get_test_info
from core.evaluation.label_scoring import label_scoring
from core.evaluation.predicted_lives import predicted_lives
from core.evaluation.request import TestRequest
from core.evaluation.results import TestResult, get_result
from core.evaluation.start import start_test
from core.model_versions.versions import get_model_info


def test_model(
    acting: ActingEmail,
    model: Annotated[
        int, typer.Option(metavar="ID", help="Number of the model; `train` prints it.")
    ],
    dataset: Annotated[int, typer.Option(metavar="ID", help="Dataset; see `datasets`.")],
    batteries: Annotated[
        str | None,
        typer.Option(
            help="Codes, separated by commas; by default the test batteries of the dataset that "
            "the model was trained on, of another dataset all that it never saw."
        ),
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
        "label_notes": dict(result.label_notes) if result else _notes_before(user, info),
        "overall": _overall(result) if result else {},
        "batteries": _battery_rows(result) if result else [],
        "predicted_lives": _lives(user, result) if result else [],
    }


def _notes_before(user: CurrentUser, info: TestInfo) -> dict[str, str]:
    """What will have to be known about the labels, of a test without a result yet."""
    with read_scope() as session:
        model = get_model_info(session, user, info.model_version_id)
        scoring = label_scoring(model, get_dataset_summary(session, user, info.dataset_id))
    return {target: note for target in info.targets if (note := scoring.note(target))}


def _lives(user: CurrentUser, result: TestResult) -> list[dict[Any, Any]]:
    """Predicted life of each battery without RUL labels."""
    with read_scope() as session:
        lives = predicted_lives(session, user, result.info.id)
    return lives.astype(object).to_dict("records")


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
    lines += [f"{target}: {note}" for target, note in payload["label_notes"].items()]
    for target, metrics in payload["overall"].items():
        lines.append(
            f"{target} on "
            f"{counted(metrics['n_batteries'], 'unseen battery')}, "
            f"{counted(metrics['n'], 'cycle')}: "
            f"{metrics_text(metrics)}"
        )
    if payload["status"] == "SUCCEEDED" and not payload["overall"]:
        lines.append("No labelled battery that the model never saw, so no overall metrics.")
    lines += [
        f"Battery {row['battery_code']}, without RUL label: predicted life "
        f"{row['predicted_life']:.0f} cycles{_range(row)}"
        for row in payload["predicted_lives"]
    ]
    return lines


def _range(row: dict[Any, Any]) -> str:
    if row["life_low"] != row["life_low"]:
        return ", without an interval"
    return f" ({row['life_low']:.0f} to {row['life_high']:.0f})"
