"""Steps of a journey, in the words of somebody who uses the app."""

import re
import time
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import settle


def open_page(page: Page, name: str) -> None:
    """Click a page in the sidebar."""
    page.locator(".st-key-navigation").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()
    settle(page)


def upload_file(page: Page, path: Path) -> None:
    """Hand a file over and wait for its preview."""
    open_page(page, "Upload")
    page.locator("input[type=file]").set_input_files(str(path))
    expect(page.get_by_role("heading", name="First rows")).to_be_visible(timeout=60_000)
    settle(page)


def read_file(page: Page, dataset_name: str) -> None:
    """Confirm the mapping and wait until the file has been read."""
    fill(page.get_by_label("Name of the dataset"), dataset_name)
    page.get_by_role("button", name="Read file").click()
    expect(page.get_by_text("Open dataset").first).to_be_visible(timeout=120_000)


def fill(field: Locator, value: str) -> None:
    """Type a value and leave the field, as Streamlit wants it."""
    field.fill(value)
    field.press("Tab")
    settle(field.page)


def choose(page: Page, label: str, option: str) -> None:
    """Pick an option of a select box."""
    box = page.get_by_test_id("stSelectbox").filter(has_text=label)
    box.get_by_role("combobox").click()
    page.get_by_role("option", name=option, exact=False).first.click()
    settle(page)


def start_training(page: Page, *, epochs: int) -> str:
    """Set the epochs, start, and return the address of the job."""
    page.get_by_text("Epochs, learning rate, seed and more").click()
    fill(page.get_by_role("spinbutton", name="Epochs", exact=True), str(epochs))
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/runs\?job=\d+"))
    return page.url


def wait_for_runs(page: Page, n_runs: int, timeout_s: float = 420) -> None:
    """Wait until every run of the job on screen is done."""
    links = page.get_by_role("link", name="Test this model")
    expect(links).to_have_count(n_runs, timeout=timeout_s * 1000)
    settle(page)


def number_after(page: Page, label: str, position: int = 0) -> float:
    """The number of a metric on screen."""
    metric = page.get_by_test_id("stMetric").filter(has_text=label).nth(position)
    text = metric.get_by_test_id("stMetricValue").inner_text()
    found = re.search(r"-?[\d,]+(?:\.\d+)?", text)
    assert found, text
    return float(found.group().replace(",", ""))


def download(page: Page, name: str, folder: Path) -> Path:
    """Click a download button and return the file."""
    button = page.get_by_test_id("stDownloadButton").get_by_role("button", name=name)
    expect(button).to_be_enabled(timeout=120_000)
    settle(page)
    started = time.monotonic()
    with page.expect_download() as waiting:
        button.click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert time.monotonic() - started < 20
    return path
