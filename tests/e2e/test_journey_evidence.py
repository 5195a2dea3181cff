"""The pages that say how far numbers can be trusted, on real cells.

Data and models come from the command line, in this process; what is judged is what the browser
shows of them.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from typer.testing import CliRunner

from core.base import database
from core.cli.app import app
from tests.e2e.browser import settle, sign_up
from tests.e2e.steps import choose, open_page
from tests.paths import SHARED_DATA, needs_shared_data

pytestmark = needs_shared_data

ANN = "ann@example.org"
EIGHT_FEATURES = SHARED_DATA / "severson" / "severson_8_features.csv.gz"
MIT_CELLS = SHARED_DATA / "mit_cells.zip"
MAT = SHARED_DATA / "severson" / "SeversonBattery.mat"
DELTA_Q = SHARED_DATA / "severson" / "severson_delta_q_100_10.csv"

# Known independently: 115 cells of the ZIP are the Severson cells of the table.
COPIES = 115
# Of the variance model on the Severson cells: fitted, primary test, secondary test (cycles).
VARIANCE_RMSE = (103.6, 137.9, 195.9)
MAX_HORIZON, HORIZON, ROUNDS = 20, 10, 10
ROLES = {f"{i:03d}": ("val", "test", "train", "train")[i % 4] for i in range(1, 41)}
TESTED = [code for code, role in ROLES.items() if role == "test"]

Command = Callable[..., Any]


@pytest.fixture
def command(data_dir: Path, app_address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """`python -m core` for Ann in the data folder of the running app; returns its JSON."""
    # A job's process imports PyTorch, whose threads would fight with the browser.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(*arguments: object) -> Any:
        result = CliRunner().invoke(app, [*map(str, arguments), "--as", ANN, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    yield run
    database.get_engine().dispose()


def test_copies_and_early_prediction(
    app_address: str, context: BrowserContext, command: Command
) -> None:
    page = context.new_page()
    sign_up(page, app_address, ANN, "Ann")
    command("import", EIGHT_FEATURES, "--name", "Eight features")
    command("import", MIT_CELLS, "--name", "MIT cells")

    open_page(page, "Leakage check")
    choose(page, "Dataset", "Eight features")
    expect(page.get_by_test_id("stAlert").filter(has_text="MIT cells").first).to_be_visible()
    expect(page.get_by_text(f"{COPIES} batteries of {COPIES}, recognised by")).to_be_visible()
    copies = table(page, "Other dataset")
    expect(copies).to_contain_text("Same battery")
    expect(copies).to_contain_text("MIT cells")

    open_page(page, "Early prediction")
    page.get_by_text("A table of features", exact=True).click()
    page.locator("input[type=file]").set_input_files(str(DELTA_Q))
    expect(page.get_by_text("These are the 124 cells of Severson et al.")).to_be_visible()
    page.get_by_role("button", name="Start study").click()
    expect(page.get_by_text("What to know").first).to_be_visible(timeout=120_000)
    scores = rows_by_first_cell(table(page, "Cross-validation"))
    shown = [round(float(number), 1) for number in scores["Variance model"][:7]]
    assert set(VARIANCE_RMSE) <= set(shown), shown
    assert shown[0] == VARIANCE_RMSE[0]
    expect(chart(page, "Primary test: error of predicted life")).to_contain_text("137.9")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_forecasts_bounded_compared_and_ranked(
    app_address: str, context: BrowserContext, command: Command, tmp_path: Path
) -> None:
    page = context.new_page()
    sign_up(page, app_address, ANN, "Ann")
    train_and_test(command, tmp_path)

    open_page(page, "Results")
    tick_rows(page, 3)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Compare tests", level=1)).to_be_visible()
    expect(page.get_by_text("has the lowest mean RMSE")).to_be_visible()
    differences = table(page, "Better on")
    expect(differences).to_contain_text(re.compile(r"-?\d+\.\d+ to -?\d+\.\d+"))
    expect(chart(page, "RMSE minus that of")).to_be_visible()

    page.get_by_role("button", name=re.compile("Open .*Trees")).click()
    expect(page.get_by_role("heading", name="Cells Trees v1 on Cells", level=1)).to_be_visible()
    expect(page.get_by_test_id("stMain")).to_contain_text(
        re.compile(
            r"90 % intervals contain \d+\.\d % \(.+ to .+ %\) of the cycles of 10 unseen batteries"
        )
    )
    curves = chart(page, "PCL predicted by Trees")
    expect(curves.locator(".legendtext").get_by_text("90 % interval")).to_be_visible()
    expect(curves.locator(".js-fill").first).to_be_attached()

    page.get_by_role("tab", name="Horizon").click()
    expect(chart(page, "RMSE of PCL against cycles ahead")).to_contain_text(
        "Over 10 unseen batteries"
    )
    expect(page.get_by_text(re.compile(r"Cells Trees v1 beats .*last value"))).to_be_visible()
    expect(page.get_by_text("Smallest RMSE among these")).to_be_visible()

    open_page(page, "Leaderboard")
    expect(page.get_by_text("has the lowest mean RMSE")).to_be_visible()
    ranking = table(page, "Against the floors")
    for name in ("Cells Trees v1", "Cells Linear v1", "Floor: Last value"):
        expect(ranking).to_contain_text(name)
    expect(chart(page, "RMSE of PCL: mean over batteries")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def train_and_test(command: Command, folder: Path) -> None:
    """A forecast of PCL by two models and a floor on forty cells, each tested on ten of them."""
    dataset = command("import", MAT, "--name", "Cells")["dataset_id"]
    roles = folder / "roles.json"
    roles.write_text(json.dumps(ROLES))
    trained = command(
        *("train", "--dataset", dataset, "--target", "PCL", "--roles", roles),
        *("--algorithms", "LINEAR,TREES,LAST_VALUE"),
        *("--set", f"max_horizon={MAX_HORIZON}", "--set", f"boosting_rounds={ROUNDS}"),
    )
    for run in trained["runs"]:
        assert run["status"] == "SUCCEEDED", run
        command(
            *("test", "--model", run["model_version_id"], "--dataset", dataset),
            *("--horizon", HORIZON, "--batteries", ",".join(TESTED)),
        )


def tick_rows(page: Page, count: int) -> None:
    """Tick the first rows of the table of tests, which is drawn on a canvas."""
    tests = page.get_by_test_id("stDataFrame").first
    expect(tests.locator("canvas").first).to_be_visible()
    for row in range(count):
        tests.click(position={"x": 12, "y": 52 + 35 * row})
        if row:
            expect(page.get_by_text(f"{row + 1} tests ticked")).to_be_visible()
    settle(page)


def table(page: Page, column: str) -> Locator:
    """The table with this column, as a screen reader has it: the rest is a canvas."""
    return page.get_by_role("grid", include_hidden=True).filter(has_text=column)


def rows_by_first_cell(grid: Locator) -> dict[str, list[str]]:
    """Cells of each row after its first one, by that one."""
    expect(grid.locator("[role=gridcell]").first).to_be_attached()
    rows = [
        row.locator("[role=gridcell]").all_text_contents() for row in grid.locator("tbody tr").all()
    ]
    return {cells[0]: cells[1:] for cells in rows}


def chart(page: Page, title: str) -> Locator:
    """The chart with this title."""
    return page.locator(".js-plotly-plot:visible").filter(has_text=title)
