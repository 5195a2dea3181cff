"""A workbook as a Chinese laboratory writes it becomes a dataset with the right lives."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pandas as pd
import xlsxwriter
from playwright.sync_api import BrowserContext, expect

from tests.e2e.browser import sign_up
from tests.e2e.steps import fill, open_page
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
    app_address: str, context: BrowserContext, data_dir: Path, tmp_path: Path
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
    fill(page.get_by_role("spinbutton", name="End of life below"), f"{100 * THRESHOLD:.0f}")
    expect(main).to_contain_text(f"4 of 4 batteries reach end of life at {100 * THRESHOLD:.0f} %")
    page.get_by_role("button", name="Read file").click()
    expect(page.get_by_role("button", name="Open dataset")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Open dataset").click()
    expect(page.get_by_role("heading", name="电池循环数据", level=1)).to_be_visible()
    assert stored_lives(data_dir / "fadebench.db") == lives_of(cells)
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


def stored_lives(database: Path) -> dict[str, int]:
    """Cycle lives of the dataset that was uploaded; the demonstration fleet is there, too."""
    query = (
        "SELECT battery_code, cycle_life FROM battery_unit JOIN dataset "
        "ON dataset.id = battery_unit.dataset_id WHERE dataset.source_type = 'UPLOAD'"
    )
    with closing(sqlite3.connect(database)) as connection:
        return dict(connection.execute(query))
