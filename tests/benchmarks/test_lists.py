"""Every read of a page takes as many statements for many rows as for few."""

from pathlib import Path

import pytest

from benchmarks.list_filling import Filled, fill
from benchmarks.list_reads import READS
from benchmarks.lists import BAR_STATEMENTS, counted_statements
from core.base.database import get_engine, migrate, read_scope
from tests.conftest import settings_of

FEW, MANY = 10, 300


def _counts(folder: Path, n_jobs: int) -> dict[str, int]:
    with settings_of(folder):
        migrate()
        engine = get_engine()
        filled = fill(engine, n_jobs)
        counts = {name: _count(name, filled) for name in READS}
        engine.dispose()
    return counts


def _count(name: str, filled: Filled) -> int:
    with counted_statements(get_engine()) as statements, read_scope() as session:
        READS[name](session, filled)
    return len(statements)


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, int]]:
    return [_counts(tmp_path_factory.mktemp(f"lists_{n}"), n) for n in (FEW, MANY)]


@pytest.mark.parametrize("name", READS)
def test_statements_do_not_grow_with_the_list(counts: list[dict[str, int]], name: str) -> None:
    few, many = (found[name] for found in counts)
    assert few == many
    assert many <= BAR_STATEMENTS
