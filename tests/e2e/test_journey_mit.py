"""A ZIP of one CSV per cell: mapping, PCL, and RUL with the end of life set to 85 %."""

import re

from playwright.sync_api import BrowserContext, expect

from tests.e2e.browser import settle, sign_up
from tests.e2e.steps import (
    fill,
    number_after,
    open_page,
    read_file,
    start_training,
    upload_file,
    wait_for_runs,
)
from tests.paths import SHARED_DATA, needs_shared_data

pytestmark = needs_shared_data


def test_map_train_and_test_pcl_and_rul(app_address: str, context: BrowserContext) -> None:
    page = context.new_page()
    sign_up(page, app_address, "ann@example.org", "Ann")
    upload_file(page, SHARED_DATA / "mit_cells.zip")
    nominal = page.get_by_role("spinbutton", name="Nominal capacity (Ah)")
    assert nominal.input_value().startswith("1.1")
    fill(page.get_by_role("spinbutton", name="End of life below"), "85")
    read_file(page, "MIT cells")
    expect(page.get_by_text("125").first).to_be_visible()
    expect(page.get_by_text("18 of 125 batteries did not reach end of life")).to_be_visible()
    page.get_by_text("Open dataset").first.click()
    expect(page.get_by_text(re.compile("known for 107 of 125 batteries"))).to_be_visible()

    for target, unit in (("Capacity loss (PCL)", "RMSE"), ("Remaining life (RUL)", "RMSE")):
        open_page(page, "New training")
        page.get_by_test_id("stRadio").get_by_text(target, exact=True).click()
        for other in ("BiLSTM", "DeepHPM", "Trees", "Mean curve"):
            page.get_by_test_id("stCheckbox").get_by_text(other, exact=True).click()
        settle(page)
        start_training(page, epochs=2)
        wait_for_runs(page, 1)
        page.get_by_role("link", name="Test this model").click()
        expect(page.get_by_role("heading", name="New test", level=1)).to_be_visible()
        settle(page)
        page.get_by_role("button", name="Start test").click()
        page.wait_for_url(re.compile(r"/results\?test=\d+"))
        expect(page.get_by_test_id("stMetric").first).to_be_visible(timeout=120_000)
        assert number_after(page, unit) > 0
