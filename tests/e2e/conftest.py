"""Browser tests skip where there is no Chromium, and fail instead where it is demanded."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.e2e.browser import CHROMIUM, DESKTOP, running_app, running_browser

# A busy machine draws slowly; what never comes still fails.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all browser tests."""
    if not CHROMIUM.exists():
        reason = f"Chromium is not at {CHROMIUM} (Debian package chromium)"
        if os.environ.get("FADEBENCH_REQUIRE_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with running_browser() as chromium:
        yield chromium


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies, in desktop size."""
    fresh = browser.new_context(viewport=DESKTOP, accept_downloads=True)
    fresh.set_default_timeout(30_000)
    yield fresh
    fresh.close()


@pytest.fixture
def app_address(tmp_path: Path) -> Iterator[str]:
    """A fresh app with an empty database."""
    with running_app(tmp_path / "data") as address:
        yield address
