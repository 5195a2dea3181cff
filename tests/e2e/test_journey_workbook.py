"""A workbook as a Chinese laboratory writes it becomes a dataset with the right lives."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import xlsxwriter
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.browser import settle, sign_up
from tests.e2e.steps import open_page
from tests.paths import SHARED_DATA, needs_shared_data

pytestmark = needs_shared_data

ANN = "ann@example.org"
TABLE = SHARED_DATA / "field" / "base.csv"
HEADINGS = {
    "cycle": "循环序号",
    "discharge_capacity_ah": "放电容量(Ah)",
    "ir_ohm": "内阻(Ω)",
    "tavg_c": "平均温度(℃)",
}
NOMINAL_AH, THRESHOLD = 1.1, 0.85


def test_one_sheet_per_battery_with_chinese_headings(
    app_address: str, context: BrowserContext, tmp_path: Path
) -> None:
    cells = pd.read_csv(TABLE)
    workbook = tmp_path / "电池循环数据.xlsx"
    write_workbook(workbook, dict(iter(cells.groupby("cell_id"))))
    page = context.new_page()
    sign_up(page, app_address, ANN, "Ann")

    open_page(page, "Upload")
    page.locator("input[type=file]").set_input_files(str(workbook))
    expect(page.get_by_role("button", name="Read file")).to_be_visible(timeout=30_000)
    main = page.get_by_test_id("stMain")
    expect(main).to_contain_text("4 of 4 batteries reach")
    threshold = page.get_by_label("End of life below (% of nominal capacity)")
    threshold.fill(f"{100 * THRESHOLD:.1f}")
    threshold.press("Enter")
    settle(page)
    page.get_by_role("button", name="Read file").click()
    expect(page.get_by_role("button", name="Open dataset")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Open dataset").click()
    settle(page)
    shown = battery_rows(page)
    for code, life in lives_of(cells).items():
        assert f"{life}" in shown[code], (code, life, shown[code])
    expect(page.get_by_test_id("stException")).to_have_count(0)


def write_workbook(path: Path, sheets: Mapping[str, pd.DataFrame]) -> None:
    """One sheet per battery, with Chinese headings."""
    with xlsxwriter.Workbook(path) as book:
        for code, rows in sheets.items():
            sheet = book.add_worksheet(str(code))
            sheet.write_row(0, 0, HEADINGS.values())
            for number, row in enumerate(rows[list(HEADINGS)].itertuples(index=False), start=1):
                sheet.write_row(number, 0, row)


def lives_of(cells: pd.DataFrame) -> dict[str, int]:
    """First cycle below the threshold, told apart from the product."""
    below = cells[cells["discharge_capacity_ah"] < THRESHOLD * NOMINAL_AH - 1e-9]
    return {
        str(code): int(cycle) for code, cycle in below.groupby("cell_id")["cycle"].min().items()
    }


def battery_rows(page: Page) -> dict[str, list[str]]:
    """The cells of the batteries' table by battery code."""
    rows = page.get_by_role("tabpanel").or_(page.get_by_test_id("stMain")).first.locator("tr")
    texts = [row.locator("td").all_inner_texts() for row in rows.all()]
    return {cells[0]: cells for cells in texts if cells}
