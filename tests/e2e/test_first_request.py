"""A page that is asked for first, on a fresh server and signed out, shows the login alone."""

from playwright.sync_api import BrowserContext, expect

from tests.e2e.browser import sign_up

ADDRESSES = ("/runs?run=1", "/account", "/datasets?dataset=1")


def test_deep_link_shows_login_first_and_survives_it(
    app_address: str, context: BrowserContext
) -> None:
    page = context.new_page()
    for path in ADDRESSES:
        page.goto(app_address + path)
        expect(page.get_by_role("textbox", name="Password")).to_be_visible(timeout=30_000)
        expect(page.locator(".st-key-navigation")).to_have_count(0)
    sign_up(page, app_address + "/runs?run=1", "ann@example.org", "Ann")
    assert page.url.endswith("/runs?run=1")
