"""Lists on the command line: a page at a time, filtered and sorted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from benchmarks.list_filling import fill
from core.base.database import get_engine, migrate
from core.cli.app import app
from tests.conftest import settings_of

JOBS = 30
BENCH = ("--as", "bench@example.org")


@pytest.fixture(scope="module", autouse=True)
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cli_lists")
    with settings_of(folder):
        migrate()
        fill(get_engine(), JOBS)
        yield folder
        get_engine().dispose()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def answer(*arguments: object) -> Any:
    result = run(*arguments, *BENCH, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_fifty_at_once_and_the_way_on() -> None:
    result = run("runs", *BENCH, "--json")
    found = json.loads(result.stdout)
    assert len(found["runs"]) == 50
    assert f"--after {found['next']}" in result.stderr
    rows, seen = found["runs"], 1
    while "next" in found:
        found = answer("runs", "--after", found["next"])
        rows += found["runs"]
        seen += 1
    assert seen == 3
    assert len({row["run_id"] for row in rows}) == 4 * JOBS
    jobs = [row["job_id"] for row in rows]
    assert jobs == sorted(jobs, reverse=True)


@pytest.mark.parametrize(
    ("noun", "key", "number"),
    [("runs", "run_id", 4 * JOBS), ("datasets", "dataset_id", 6), ("studies", "study_id", 6)],
)
@pytest.mark.parametrize("order", ["newest", "oldest", "name"])
def test_small_pages_show_everything_once(noun: str, key: str, number: int, order: str) -> None:
    ids: list[int] = []
    found: dict[str, Any] = {"next": None}
    while "next" in found:
        after = ("--after", found["next"]) if found["next"] else ()
        found = answer(noun, "--limit", 5 if number < 10 else 17, "--sort", order, *after)
        ids += [row[key] for row in found[noun]]
    assert len(ids) == len(set(ids)) == number


def test_filters() -> None:
    rows = answer("runs", "--algorithm", "bilstm", "--status", "failed", "--limit", 1000)["runs"]
    assert {(row["algorithm"], row["status"]) for row in rows} == {("BILSTM", "FAILED")}
    assert len(rows) == JOBS / 5
    assert {row["job_id"] for row in answer("runs", "--name", "TRAINING 7 OF")["runs"]} == {7}
    assert {row["job_id"] for row in answer("runs", "--job", 7)["runs"]} == {7}
    assert len(answer("runs", "--dataset", 2)["runs"]) == 4 * JOBS / 6
    assert answer("runs", "--since", "2030-01-01")["runs"] == []
    assert len(answer("studies", "--kind", "early_life")["studies"]) == 3
    assert [row["name"] for row in answer("datasets", "--name", "3 of")["datasets"]] == [
        "Fleet 3 of 3"
    ]
    assert answer("datasets", "--builtin")["datasets"] == []
    assert len(answer("datasets", "--own", "--until", "2026-01-01T00:03:00")["datasets"]) == 2
    assert "Nothing matches" in run("datasets", *BENCH, "--name", "none such").stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("runs", "--status", "done"), "--status is one of PENDING, RUNNING"),
        (("runs", "--algorithm", "x"), "--algorithm is one of BASELINE"),
        (("runs", "--sort", "size"), "newest, oldest, name, dataset, status, algorithm"),
        (("runs", "--after", "nonsense"), "cannot be read"),
        (("datasets", "--limit", 0), "1 to 1,000 rows"),
        (("studies", "--kind", "x"), "--kind is one of EARLY_LIFE"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments: tuple[object, ...], reason: str) -> None:
    result = run(*arguments, *BENCH)
    assert result.exit_code == 1
    assert reason in result.stderr


def test_nothing_of_others_is_listed() -> None:
    for noun in ("runs", "datasets", "studies"):
        result = run(noun, "--as", "other@example.org", "--json")
        assert json.loads(result.stdout) == {noun: []}
