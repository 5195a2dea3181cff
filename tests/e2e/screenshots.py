"""Pictures of every page, empty, busy, filled and failed: `make screenshots`.

Uses the real Severson file where ../shared is present, else the demonstration fleet alone.
"""

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import DESKTOP, PHONE, running_app, running_browser, settle, sign_up
from tests.e2e.steps import fill, read_file, start_training, upload_file, wait_for_runs
from tests.paths import ROOT, SHARED_DATA

FOLDER = ROOT / "docs" / "screenshots"
MAT = SHARED_DATA / "severson" / "SeversonBattery.mat"
EIGHT_FEATURES = SHARED_DATA / "severson" / "severson_8_features.csv.gz"
XJTU = SHARED_DATA / "xjtu_cells.zip"
EPOCHS = 30
# Networks off and the linear model on, which leaves two models and three floors of forecasts.
TOGGLED = ("Baseline", "BiLSTM", "DeepHPM", "Linear")
N_FORECASTS = 5


def main() -> None:
    """Run the app once, fill it step by step, and take a picture at each step."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_browser() as browser,
        running_app(Path(folder) / "data") as address,
    ):
        _take_all(browser, address)


def _take_all(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport=DESKTOP)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_role("textbox", name="Password")).to_be_visible(timeout=60_000)
    state = context.storage_state()
    _take(browser, state, address, "sign-up", "/")
    sign_up(page, address, "ann@example.org", "Ann")
    expect(page.locator(".js-plotly-plot:visible").first).to_be_visible(timeout=60_000)
    # The cookie is written a moment after the first screen is drawn.
    page.wait_for_timeout(5000)
    state = context.storage_state()
    assert state["cookies"]
    for name in ("upload", "runs", "models", "new-test", "results"):
        _take(browser, state, address, f"{name}-empty", f"/{name}")
    _fill(browser, state, address, page)


def _fill(browser: Browser, state: object, address: str, page: Page) -> None:
    if MAT.is_file():
        upload_file(page, MAT)
        _take(browser, state, address, "upload-mapping", _path(page, address))
        read_file(page, "Severson")
        _take(browser, state, address, "upload-done", _path(page, address))
        page.get_by_role("button", name="Open dataset").click()
        page.wait_for_url(re.compile("dataset="))
    else:
        page.goto(f"{address}/datasets?dataset=1")
    dataset = re.search(r"dataset=(\d+)", page.url)
    assert dataset
    _take(browser, state, address, "datasets", "/datasets")
    _take(browser, state, address, "datasets-detail", f"/datasets?dataset={dataset[1]}")
    _take(browser, state, address, "explore", f"/explore?dataset={dataset[1]}")
    page.goto(f"{address}/early-prediction?dataset={dataset[1]}")
    settle(page)
    page.get_by_role("button", name="Start study").click()
    expect(page.get_by_text("What to know").first).to_be_visible(timeout=120_000)
    _take(browser, state, address, "early-prediction", _path(page, address))
    if EIGHT_FEATURES.is_file():
        # The same cells once more: copies for the leakage check to find.
        upload_file(page, EIGHT_FEATURES)
        read_file(page, "Severson, eight features")
    _take(browser, state, address, "leakage", f"/leakage?dataset={dataset[1]}")
    if XJTU.is_file():
        _fail_an_upload(browser, state, address, page)
    page.goto(f"{address}/new-training?dataset={dataset[1]}")
    settle(page)
    _take(browser, state, address, "new-training", f"/new-training?dataset={dataset[1]}")
    job = start_training(page, epochs=EPOCHS).removeprefix(address)
    expect(page.get_by_text(re.compile(rf"Epoch \d+ of {EPOCHS}")).first).to_be_visible(
        timeout=120_000
    )
    _take(browser, state, address, "runs-busy", job)
    wait_for_runs(page, 5)
    _take(browser, state, address, "runs", "/runs")
    _take(browser, state, address, "runs-job", job)
    _take(browser, state, address, "models", "/models")
    _take(browser, state, address, "models-detail", "/models?model=1")
    _take(browser, state, address, "models-card", "/models?model=1", tab="Model card")
    _test_and_take(browser, state, address, page)
    _forecast_and_take(browser, state, address, page, dataset[1])
    _cancel_and_take(browser, state, address, page)


def _fail_an_upload(browser: Browser, state: object, address: str, page: Page) -> None:
    upload_file(page, XJTU)
    page.get_by_role("button", name="Read file").click()
    expect(page.get_by_text("151 rows cannot be used").first).to_be_visible(timeout=120_000)
    _take(browser, state, address, "upload-failed", _path(page, address))


def _test_and_take(browser: Browser, state: object, address: str, page: Page) -> None:
    page.get_by_role("link", name="Test this model").first.click()
    expect(page.get_by_role("heading", name="New test", level=1)).to_be_visible()
    settle(page)
    _take(browser, state, address, "new-test", _path(page, address))
    page.get_by_role("button", name="Start test").click()
    page.wait_for_url(re.compile(r"/results\?test=\d+"))
    result = _path(page, address)
    expect(page.get_by_test_id("stMetric").first).to_be_visible(timeout=120_000)
    _take(browser, state, address, "results", "/results")
    _take(browser, state, address, "results-test", result)
    for tab in ("Batteries", "Distribution", "Scatter", "Horizon", "Cycles seen"):
        name = f"results-{tab.lower().replace(' ', '-')}"
        _take(browser, state, address, name, result, tab=tab)


def _forecast_and_take(
    browser: Browser, state: object, address: str, page: Page, dataset: str
) -> None:
    """Forecasts with their floors: horizon, intervals, comparison, leaderboard."""
    page.goto(f"{address}/new-training?dataset={dataset}")
    settle(page)
    page.get_by_test_id("stRadio").get_by_text("Capacity loss (PCL)", exact=True).click()
    page.get_by_test_id("stRadio").get_by_text("Forecast", exact=True).click()
    settle(page)
    for algorithm in TOGGLED:
        page.get_by_test_id("stCheckbox").get_by_text(algorithm, exact=True).click()
        settle(page)
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/runs\?job=\d+"))
    wait_for_runs(page, N_FORECASTS)
    models = [
        str(link.get_attribute("href"))
        for link in page.get_by_role("link", name="Test this model").all()
    ]
    tests = []
    for model in models:
        page.goto(f"{address}/{model.removeprefix(address).lstrip('/')}")
        settle(page)
        fill(page.get_by_role("spinbutton", name="Cycles ahead"), "50")
        page.get_by_role("button", name="Start test").click()
        page.wait_for_url(re.compile(r"/results\?test=\d+"))
        tests.append(_path(page, address))
    for test in tests:
        page.goto(address + test)
        expect(page.get_by_test_id("stMetric").first).to_be_visible(timeout=240_000)
    _take(browser, state, address, "results-intervals", tests[0])
    _take(browser, state, address, "results-horizon", tests[0], tab="Horizon")
    ids = ",".join(test.rpartition("=")[2] for test in tests)
    _take(browser, state, address, "results-compare", f"/results?compare={ids}")
    _take(browser, state, address, "leaderboard", f"/leaderboard?dataset={dataset}&target=PCL")


def _cancel_and_take(browser: Browser, state: object, address: str, page: Page) -> None:
    page.goto(f"{address}/new-training")
    settle(page)
    job = start_training(page, epochs=5000).removeprefix(address)
    page.get_by_role("button", name="Cancel all").click()
    expect(page.get_by_text("Cancelled").first).to_be_visible(timeout=60_000)
    _take(browser, state, address, "runs-cancelled", job)
    _take(browser, state, address, "account", "/account")


def _take(
    browser: Browser, state: object, address: str, name: str, path: str, tab: str | None = None
) -> None:
    """The page at `path` in both sizes, in the light theme, and on the desktop in the dark one."""
    for size, viewport, scheme in (
        ("desktop", DESKTOP, "light"),
        ("desktop", DESKTOP, "dark"),
        ("phone", PHONE, "light"),
    ):
        context = browser.new_context(
            viewport=viewport,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            storage_state=state,  # type: ignore[arg-type]
        )
        page = context.new_page()
        page.goto(address + path)
        expect(page.get_by_role("heading", level=1).first).to_be_visible(timeout=60_000)
        settle(page)
        if tab:
            page.get_by_role("tab", name=tab).click()
            settle(page)
        for waiting in ("stSkeleton", "stSpinner"):
            expect(page.get_by_test_id(waiting)).to_have_count(0, timeout=60_000)
        for chart in page.get_by_test_id("stPlotlyChart").all():
            if chart.is_visible():
                expect(chart.locator(".main-svg").first).to_be_visible(timeout=60_000)
        page.wait_for_timeout(1500)
        page.screenshot(path=FOLDER / f"{name}-{size}-{scheme}.png")
        context.close()


def _path(page: Page, address: str) -> str:
    return page.url.removeprefix(address)


if __name__ == "__main__":
    main()
