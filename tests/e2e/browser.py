"""A real server and a real browser for the journeys."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.paths import ROOT

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PASSWORD = "correct horse battery staple"


@contextmanager
def running_app(data_dir: Path, **settings: str) -> Iterator[str]:
    """Start the app on a free port with its own data folder; yields its address."""
    port = _free_port()
    environment = os.environ | {"FADEBENCH_DATA_DIR": str(data_dir)} | settings
    data_dir.mkdir(parents=True, exist_ok=True)
    log = (data_dir / "server.log").open("wb")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "streamlit", "run", "app.py"),
            *("--server.port", str(port), "--server.headless", "true"),
        ],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_until_healthy(f"http://localhost:{port}/_stcore/health", process, data_dir)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)
        log.close()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), headless=True, args=ARGUMENTS
        )
        yield browser
        browser.close()


def sign_up(page: Page, address: str, email: str, name: str) -> None:
    """Create an account at `address` and wait until the sidebar shows who is signed in."""
    page.goto(address)
    create = page.get_by_role("button", name="Create an account")
    form = page.get_by_role("textbox", name="Password")
    expect(form.first).to_be_visible(timeout=30_000)
    # The cookie's frame reports once when it has loaded, and that run would swallow the click.
    settle(page)
    page.wait_for_timeout(1500)
    if create.count() and not page.get_by_label("Name").count():
        create.click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_test_id("stSidebar").get_by_text(email)).to_be_visible(timeout=20_000)
    # The same frame again, now with the cookie set.
    settle(page)
    page.wait_for_timeout(1500)


def settle(page: Page, timeout_ms: int = 20_000) -> None:
    """Wait until the app has finished drawing."""
    page.wait_for_timeout(300)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=timeout_ms)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], data_dir: Path) -> None:
    for _ in range(240):
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.25)
        if process.poll() is not None:
            break
    raise RuntimeError(f"The app did not start:\n{(data_dir / 'server.log').read_text()}")
