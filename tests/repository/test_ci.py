"""The file of GitHub Actions does what `.ci/run` does, with servers that its tests find."""

from typing import Any

import yaml
from sqlalchemy import make_url

from tests.db.servers import PLACES
from tests.paths import ROOT

TEXT = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
SCRIPT = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def only_job() -> dict[str, Any]:
    (job,) = WORKFLOW["jobs"].values()
    return dict(job)


def test_it_runs_the_script_and_nothing_else() -> None:
    steps = only_job()["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["bash .ci/run"]
    assert [step["uses"].partition("@")[0] for step in steps if "uses" in step] == [
        "actions/checkout"
    ]
    for target in ("test", "e2e", "lint"):
        assert f"make {target}\n" in SCRIPT


def test_it_runs_for_pull_requests() -> None:
    # YAML 1.1 reads the key `on` as true.
    assert "pull_request" in WORKFLOW[True]


def test_its_python_is_that_of_the_image() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()[0]
    version = image.removeprefix("FROM python:").partition("-")[0]
    assert only_job()["container"]["image"].startswith(f"python:{version}-")


def test_its_servers_are_those_that_the_tests_are_sent_to() -> None:
    job = only_job()
    images = {name: service["image"] for name, service in job["services"].items()}
    assert images == {"mysql": "mysql:8.4", "postgres": "postgres:16"}
    urls = {
        kind: make_url(job["env"][place.variable])
        for kind, place in PLACES.items()
        if place.variable in job["env"]
    }
    assert {kind: url.host for kind, url in urls.items()} == {
        "mysql": "mysql",
        "postgresql": "postgres",
    }
    assert set(job["env"]) <= {place.variable for place in PLACES.values()}


def test_the_script_takes_every_server_from_the_environment() -> None:
    for place in PLACES.values():
        assert f"${{{place.variable}:-}}" in SCRIPT
        assert f"export {place.variable}=" in SCRIPT


def test_it_knows_no_secret() -> None:
    assert "secrets" not in TEXT
    assert WORKFLOW["permissions"] == {"contents": "read"}
