"""Pages of long lists: a page at a time, and as many statements for many rows as for few."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from benchmarks.list_filling import Filled, fill
from benchmarks.lists import BAR_STATEMENTS, counted_statements
from core.base.database import get_engine, migrate
from core.base.paging import PAGE_SIZE
from tests.conftest import settings_of
from tests.pages.conftest import run_page, texts

FEW, MANY = 10, 160
PAGES = (
    "runs",
    "models",
    "results",
    "datasets",
    "upload",
    "early_prediction",
    "leaderboard",
    "new_test",
    "new_training",
    "explore",
    "leakage",
)


def _filled(folder: Path, n_jobs: int) -> Filled:
    migrate()
    return fill(get_engine(), n_jobs)


@pytest.fixture(scope="module")
def few_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Filled, Path]:
    return _folder(tmp_path_factory, FEW)


@pytest.fixture(scope="module")
def many_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Filled, Path]:
    return _folder(tmp_path_factory, MANY)


def _folder(tmp_path_factory: pytest.TempPathFactory, n_jobs: int) -> tuple[Filled, Path]:
    folder = tmp_path_factory.mktemp(f"filled_{n_jobs}")
    with settings_of(folder):
        filled = _filled(folder, n_jobs)
        get_engine().dispose()
    return filled, folder


def _statements(made: tuple[Filled, Path], page: str) -> int:
    filled, folder = made
    st.cache_data.clear()
    with settings_of(folder), counted_statements(get_engine()) as statements:
        run_page(page, filled.user)
    return len(statements)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_takes_no_more_statements_for_more_rows(
    few_folder: tuple[Filled, Path], many_folder: tuple[Filled, Path], page: str
) -> None:
    few, many = _statements(few_folder, page), _statements(many_folder, page)
    assert few == many
    assert many <= BAR_STATEMENTS


def _names(page: AppTest, column: str) -> list[Any]:
    return list(page.dataframe[0].value[column])


def press(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception


@pytest.mark.parametrize(
    ("name", "column", "number"),
    [("runs", "name", 155), ("models", "Model", 154), ("results", "model", 160)],
)
def test_all_rows_are_found_page_by_page_and_back(
    many_folder: tuple[Filled, Path], name: str, column: str, number: int
) -> None:
    filled, folder = many_folder
    with settings_of(folder):
        page = run_page(name, filled.user)
        first, seen = _names(page, column), _names(page, column)
        assert len(first) == PAGE_SIZE
        assert not _button(page, "Next").disabled
        assert _button(page, "Previous").disabled
        while not _button(page, "Next").disabled:
            press(page, "Next")
            seen += _names(page, column)
        assert len(seen) == len(set(seen)) == number
        while not _button(page, "Previous").disabled:
            press(page, "Previous")
        assert _names(page, column) == first


def _button(page: AppTest, label: str) -> Any:
    return next(button for button in page.button if button.label == label)


BOXES: Mapping[str, Mapping[str, str]] = {
    "runs": {"find": "training 7 of", "status": "Done"},
    "models": {"find": "TRAINING 12", "algorithm": "BiLSTM"},
    "results": {"in_dataset": "fleet 7 of", "status": "Failed", "sort": "Algorithm"},
    "datasets": {"find": "fleet 7 of", "sort": "Name"},
    "upload": {"find": "file 7.", "status": "Done"},
    "early_prediction": {"find": "study 7 of", "sort": "Dataset"},
}


@pytest.mark.parametrize("name", BOXES)
def test_the_address_fills_the_boxes(many_folder: tuple[Filled, Path], name: str) -> None:
    filled, folder = many_folder
    with settings_of(folder):
        everything = len(run_page(name, filled.user).dataframe[0].value)
        page = run_page(name, filled.user, dict(BOXES[name]))
        assert 0 < len(page.dataframe[0].value) < everything
        page.text_input(key="find").set_value("no such thing").run()
        assert not page.exception
        assert "matches" in texts(page)
        press(page, "Clear filters")
        assert len(page.dataframe[0].value) == everything


def test_another_filter_starts_from_the_first_page(many_folder: tuple[Filled, Path]) -> None:
    filled, folder = many_folder
    with settings_of(folder):
        page = run_page("runs", filled.user)
        press(page, "Next")
        assert "page" in page.query_params
        page.selectbox(key="sort").select("Name").run()
        assert "page" not in page.query_params
        names = [name.lower() for name in _names(page, "name")]
        assert names == sorted(names)


def test_an_address_with_a_damaged_place_shows_the_first_page(
    many_folder: tuple[Filled, Path],
) -> None:
    filled, folder = many_folder
    with settings_of(folder):
        first = _names(run_page("results", filled.user), "model")
        assert _names(run_page("results", filled.user, {"page": "bm9uc2Vuc2U"}), "model") == first


def test_one_of_many_is_found_by_its_name(many_folder: tuple[Filled, Path]) -> None:
    filled, folder = many_folder
    with settings_of(folder):
        page = run_page("new_test", filled.user, {"model": 3})
        box = page.selectbox(key="tested_model")
        assert box.value == 3
        assert len(box.options) == PAGE_SIZE + 1
        page.text_input(key="tested_model_find").set_value("v42").run()
        assert not page.exception
        box = page.selectbox(key="tested_model")
        assert box.value == 3
        assert any(option.startswith("Training 42 v42") for option in box.options)
        assert len(box.options) == 2
