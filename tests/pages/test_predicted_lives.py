"""Predicted life of batteries without a label: the numbers, the files, the page, the command."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook
from sqlalchemy import update

from core.access.actor import CurrentUser
from core.base import storage
from core.base.database import read_scope, session_scope
from core.cli.tests import _payload
from core.evaluation.evaluations import get_test_info
from core.evaluation.exports import create_export, latest_exports, open_export
from core.evaluation.predicted_lives import predicted_lives
from core.evaluation.results import load_predictions
from db.tables import BatteryUnit, TestJobPrediction
from tests.core.seeding import work_off
from tests.pages.conftest import run_page, texts
from tests.pages.tested_models import finished_test, trained_model


@pytest.fixture
def test_id(user: CurrentUser, tmp_path: Path) -> int:
    """A finished test of b2, b3 and b4, of which b3 and b4 have no labels; b3 has intervals."""
    model_id, dataset_id = trained_model(user, tmp_path)
    test_id = finished_test(user, model_id, dataset_id, ["b2", "b3", "b4"])
    with session_scope() as session:
        ids = dict(session.query(BatteryUnit.battery_code, BatteryUnit.id).all())
        of_test = (TestJobPrediction.test_job_id == test_id) & (TestJobPrediction.target == "RUL")
        session.execute(
            update(TestJobPrediction)
            .where(of_test, TestJobPrediction.battery_id.in_([ids["b3"], ids["b4"]]))
            .values(y_true=None, y_pred=50.0, y_lower=None, y_upper=None)
        )
        session.execute(
            update(TestJobPrediction)
            .where(of_test, TestJobPrediction.battery_id == ids["b3"])
            .values(y_pred=120.0, y_lower=-5.0, y_upper=200.0)
        )
    return test_id


test_id.__test__ = False  # type: ignore[attr-defined]


def test_life_is_the_last_cycle_and_what_is_left(user: CurrentUser, test_id: int) -> None:
    with read_scope() as session:
        found = predicted_lives(session, user, test_id).set_index("battery_code")
        rows = load_predictions(session, user, test_id, "RUL")
    assert list(found.index) == ["b3", "b4"]
    last = rows.groupby("battery_code")["cycle_num"].max()
    assert found.loc["b3", "at_cycle"] == last["b3"] == 40
    assert found.loc["b3", "predicted_life"] == 160
    # No life ends before the last cycle that was measured.
    assert (found.loc["b3", "life_low"], found.loc["b3", "life_high"]) == (40, 240)
    assert found.loc["b4", "predicted_life"] == 90
    assert np.isnan(found.loc["b4", "life_low"])


def test_page_workbook_and_command_show_the_same(user: CurrentUser, test_id: int) -> None:
    page = run_page("results", user, {"test": test_id})
    assert "2 batteries without RUL labels" in texts(page)
    table = page.dataframe[0].value
    assert list(table["battery"]) == ["b4", "b3"]
    assert list(table["life"]) == [90, 160]
    with session_scope() as session:
        create_export(session, user, test_id, "XLSX")
    work_off()
    with read_scope() as session:
        info = get_test_info(session, user, test_id)
        export = latest_exports(session, user, test_id)["XLSX"]
        path = open_export(session, user, export.id)
    with storage.open_file(path) as stream:
        sheet = load_workbook(stream)["Predicted lives"]
        header, *rows = sheet.iter_rows(values_only=True)
    frame = pd.DataFrame(rows, columns=header)
    assert list(frame["predicted_life"]) == [160, 90]
    assert _payload(user, info)["predicted_lives"][0]["life_high"] == 240


def test_labelled_batteries_need_no_such_table(user: CurrentUser, tmp_path: Path) -> None:
    model_id, dataset_id = trained_model(user, tmp_path)
    test_id = finished_test(user, model_id, dataset_id, ["b2"])
    with read_scope() as session:
        assert predicted_lives(session, user, test_id).empty
    assert "Predicted life per cell" not in texts(run_page("results", user, {"test": test_id}))
