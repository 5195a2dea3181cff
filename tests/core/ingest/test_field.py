"""Every table of the shared folder `field` becomes what its README says is right."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from core.base.errors import FadeBenchError
from core.ingest.build import IngestResult, build_dataset
from core.ingest.formats.preview import Preview
from core.ingest.formats.readers import preview
from core.ingest.limits import DEFAULT_LIMITS
from tests.core.ingest.field_cases import CASES, Case
from tests.paths import SHARED_DATA, needs_shared_data

FOLDER = SHARED_DATA / "field"
pytestmark = needs_shared_data


def _id(case: Case) -> str:
    return "-".join([case.file, *case.answers])


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_a_table_as_people_have_it(case: Case) -> None:
    """Lives, sentences, questions or refusal of one file."""
    path = FOLDER / case.file
    if case.refused:
        with pytest.raises(FadeBenchError, match=re.compile(case.refused, re.DOTALL)):
            _read(case, path)
        return
    seen, result = _read(case, path)
    if case.lives is not None:
        assert _lives(result) == dict(case.lives)
    sentences = list(_sentences(seen, result))
    for pattern in case.says:
        assert any(re.search(pattern, text) for text in sentences), (pattern, sentences)


def test_every_file_has_a_case() -> None:
    """A new file of the folder wants a line in the table of cases."""
    files = {path.name for path in FOLDER.iterdir()} - {"README.md"}
    assert files == {case.file for case in CASES}


def _read(case: Case, path: Path) -> tuple[Preview, IngestResult]:
    seen = preview(path, path.name, DEFAULT_LIMITS)
    asked = {question.key for question in seen.questions}
    assert set(case.asks) <= asked
    mapping = replace(seen.mapping, **case.answers)
    return seen, build_dataset(path, path.name, mapping)


def _lives(result: IngestResult) -> dict[str, int | None]:
    lives = zip(result.batteries["battery_code"], result.batteries["cycle_life"], strict=True)
    return {str(code): None if pd.isna(life) else int(life) for code, life in lives}


def _sentences(seen: Preview, result: IngestResult) -> Iterator[str]:
    yield from seen.guesses
    yield from (question.sentence for question in seen.questions)
    yield from (f"{column}: {reason}" for column, reason in seen.left_out)
    yield from result.report["warnings"]
    yield from result.feature_schema.notes
