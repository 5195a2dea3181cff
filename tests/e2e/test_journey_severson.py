"""The main job on the real Severson file: upload, train, test, look and export."""

import re
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.browser import settle, sign_up
from tests.e2e.steps import (
    download,
    number_after,
    open_page,
    read_file,
    start_training,
    upload_file,
    wait_for_runs,
)
from tests.paths import SHARED_DATA, needs_shared_data

pytestmark = needs_shared_data

FILE = SHARED_DATA / "severson" / "SeversonBattery.mat"
TEST_CYCLES = 41_240


def test_upload_train_test_look_export(
    app_address: str, context: BrowserContext, tmp_path: Path
) -> None:
    page = context.new_page()
    sign_up(page, app_address, "ann@example.org", "Ann")
    upload_file(page, FILE)
    read_file(page, "Severson")
    expect(page.get_by_text("124").first).to_be_visible()
    expect(page.get_by_text("99,281").first).to_be_visible()

    page.get_by_text("Open dataset").first.click()
    expect(page.get_by_role("heading", name="Severson", level=1)).to_be_visible()
    expect(page.locator(".js-plotly-plot:visible").first).to_be_visible()

    page.get_by_text("Train on it").click()
    expect(page.get_by_role("heading", name="New training", level=1)).to_be_visible()
    settle(page)
    job_address = start_training(page, epochs=3)
    # A reload in the middle of training finds the same job, which goes on meanwhile.
    expect(page.get_by_text(re.compile(r"Epoch \d of 3")).first).to_be_visible(timeout=120_000)
    page.reload()
    assert page.url == job_address
    wait_for_runs(page, 5)

    page.get_by_role("link", name="Test this model").first.click()
    expect(page.get_by_role("heading", name="New test", level=1)).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Start test").click()
    page.wait_for_url(re.compile(r"/results\?test=\d+"))
    expect(page.get_by_text("Capacity loss (PCL)").first).to_be_visible(timeout=120_000)
    settle(page)
    shown_pcl_points = number_after(page, "RMSE", 0)
    expect(page.get_by_text("40 unseen batteries").first).to_be_visible()

    csv = pd.read_csv(
        download(page, "CSV", tmp_path), dtype={"battery_code": str}, keep_default_na=False
    )
    assert list(csv.columns[:5]) == ["battery_code", "cycle_num", "target", "y_true", "y_pred"]
    pcl = csv[csv["target"] == "PCL"].astype({"y_true": float, "y_pred": float})
    assert len(pcl) == TEST_CYCLES
    rmse = float(((pcl["y_pred"] - pcl["y_true"]) ** 2).mean() ** 0.5)
    assert 100 * rmse == pytest.approx(shown_pcl_points, rel=5e-3)

    book = openpyxl.load_workbook(download(page, "XLSX", tmp_path), read_only=True)
    assert book.sheetnames == [
        "Information",
        "Overall metrics",
        "Per-battery metrics",
        "Predictions",
    ]
    header, *rows = book["Overall metrics"].iter_rows(values_only=True)
    stored = dict(zip(header, rows[0], strict=True))
    assert stored["target"] == "PCL"
    assert stored["rmse"] == pytest.approx(rmse, rel=1e-9)
    assert sum(1 for _ in book["Predictions"].iter_rows()) == 1 + len(csv)

    for tab in ("Horizon", "Cycles seen", "Batteries", "Distribution", "Scatter"):
        page.get_by_role("tab", name=tab).click()
        settle(page)
    expect(page.locator(".js-plotly-plot:visible").first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_cancel_a_run_and_leave(app_address: str, context: BrowserContext) -> None:
    """On the demonstration fleet, which every fresh app has."""
    page = context.new_page()
    sign_up(page, app_address, "ben@example.org", "Ben")
    # The fleet is still being made when the first visitor comes.
    expect(page.locator(".js-plotly-plot:visible").first).to_be_visible(timeout=60_000)
    open_page(page, "New training")
    start_training(page, epochs=5000)
    expect(page.get_by_text(re.compile(r"Epoch \d+ of 5,?000")).first).to_be_visible(
        timeout=120_000
    )
    page.get_by_role("button", name="Cancel all").click()
    expect(page.get_by_text("Cancelled").first).to_be_visible(timeout=20_000)
    open_page(page, "Account")
    page.get_by_test_id("stSidebar").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("textbox", name="Password", exact=True)).to_be_visible()
    expect(page.locator(".st-key-navigation")).to_have_count(0)
