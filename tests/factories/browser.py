"""A headless Chromium for tests of pages: Debian's, driven by Playwright."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
PHONE = {"width": 390, "height": 800}
LOCAL_SCHEMES = ("file:", "data:", "blob:")


@pytest.fixture(scope="module")
def chromium():
    """The browser."""
    if CHROMIUM is None:
        pytest.skip("needs chromium (tests/debian_packages.sh)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):
    """An empty tab. Its page must not log messages, open a browser dialog or send a request."""
    messages = []
    tab = chromium.new_page()
    tab.on("console", lambda message: messages.append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: messages.append(f"error: {error}"))
    tab.on("dialog", lambda dialog: (messages.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    tab.on(
        "request",
        lambda request: messages.append(request.url) if not request.url.startswith(LOCAL_SCHEMES) else None,
    )
    yield tab
    tab.close()
    assert not messages


def show(tab, path, html):
    """Write the page to a file and open it; returns its searchable tables."""
    path.write_text(html, encoding="utf-8")
    tab.goto(path.as_uri())
    return tab.locator(".dt-container")


def width(tab, selector="html"):
    """The width of an element's content, in pixels."""
    return tab.locator(selector).evaluate("element => element.scrollWidth")
