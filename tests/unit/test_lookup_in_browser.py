"""The species table and what it opens, in a browser: by mouse and by keyboard, wherever the pictures lie."""

import polars as pl
import pytest

from nearkin.report import lookup, page
from tests.unit import finished, looked_at
from tests.unit.browser import CHROMIUM, Browser
from tests.unit.test_report import EVIL, content_of

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
READY = "document.readyState === 'complete' && document.querySelectorAll('.dt-container').length === 1"
OPEN = "document.querySelector('dialog').open"
SHOWN = "[...document.querySelectorAll('dialog img')].filter((image) => image.naturalWidth).length"
FIRST_NAME = "document.querySelector('#species tbody th').textContent"
WATCHED = ["Runtime", "Log", "Network"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("profile"))
    for domain in WATCHED:
        opened.ask(f"{domain}.enable")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def made():
    """A study one of whose species has a name that would be markup."""
    made = finished.study(40, resamples=5)
    evil = made["labels"].join(made["splits"].filter(split="test"), on="uuid")["species"].min()

    def renamed(frame, column):
        return frame.with_columns(pl.col(column).replace(evil, EVIL))

    return made | {
        "labels": renamed(made["labels"], "species"),
        "recalls": {model: renamed(frame, "label") for model, frame in made["recalls"].items()},
        "differences": {pair: renamed(frame, "label") for pair, frame in made["differences"].items()},
    }


@pytest.fixture(scope="module")
def html(made):
    return page.render(content_of(made))


@pytest.fixture
def shown(browser, html, tmp_path):
    """The browser with the page open, of whose events the later ones are those of the page."""
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    browser.events.clear()
    browser.open(path, READY)
    return browser


def press(browser, key, code):
    for kind in ("keyDown", "keyUp"):
        text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
        browser.ask(
            "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text
        )


def complaints(browser):
    """Errors on the console, and addresses that the page asked for but its own and data within it."""
    browser.run("1")
    told = {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}
    found = [event for event in browser.events if event.get("method") in told]
    asked = [event for event in browser.events if event.get("method") == "Network.requestWillBeSent"]
    addresses = {event["params"]["request"]["url"] for event in asked}
    return found, {one for one in addresses if not one.startswith(("data:", "blob:")) and "report" not in one}


def change(browser, field, value, *, event="change"):
    """Set a field of the page, as if by hand."""
    browser.run(
        f"""(() => {{
          const field = document.querySelector({field!r});
          field.value = {value!r};
          field.dispatchEvent(new Event({event!r}, {{ bubbles: true }}));
        }})()"""
    )


def search(browser, text):
    change(browser, ".dt-search input", text, event="input")


def test_a_species_opens_with_its_pictures_and_asks_nobody(shown, html):
    shown.run("document.querySelector('#species tbody td').click()")
    shown.wait(f"{OPEN} && {SHOWN} > 10 && {SHOWN} === document.querySelectorAll('dialog img').length")
    assert shown.run("document.getElementById('looked-up').textContent") == shown.run(FIRST_NAME)
    alts = shown.run("[...document.querySelectorAll('dialog img')].map((image) => image.alt)")
    assert any(alt.startswith("Nearest 1, ") for alt in alts) and all(len(alt) > 10 for alt in alts)
    assert complaints(shown) == ([], set())
    assert shown.run("harm") == 0
    assert len(html) < 25_000_000


def test_the_keyboard_opens_and_closes_and_the_focus_returns(shown):
    shown.run("document.querySelectorAll('#species tbody button')[1].focus()")
    press(shown, "Enter", 13)
    shown.wait(OPEN)
    assert shown.run("document.querySelector('dialog').contains(document.activeElement)")
    press(shown, "Escape", 27)
    shown.wait(f"!{OPEN}")
    assert shown.run("document.activeElement === document.querySelectorAll('#species tbody button')[1]")


def test_a_name_that_looks_like_markup_is_found_and_stays_text(shown):
    search(shown, "onerror")
    assert shown.run(FIRST_NAME) == EVIL
    shown.run("document.querySelector('#species tbody button').click()")
    shown.wait(OPEN)
    assert shown.run("document.getElementById('looked-up').textContent") == EVIL
    assert shown.run("document.querySelectorAll('dialog img[src=x], #species img').length") == 0
    assert shown.run("harm") == 0


def test_a_species_leads_to_the_one_it_is_taken_for(shown):
    shown.run("document.querySelector('#species tbody button').click()")
    name = shown.run("document.querySelector('dialog td button').textContent")
    shown.run("document.querySelector('dialog td button').click()")
    assert shown.run("document.getElementById('looked-up').textContent") == name


def cells(column):
    """The texts of a column of the species table, as an expression."""
    rows = "[...document.querySelectorAll('#species tbody tr')]"
    return f"{rows}.map((row) => row.children[{column}].textContent)"


def test_the_table_sorts_and_filters(shown):
    for order in ("<=", ">="):
        shown.run("document.querySelectorAll('#species thead th')[4].click()")
        shown.wait(f"{cells(4)}.every((n, i, all) => !i || Number(all[i - 1]) {order} Number(n))")
    change(shown, "#species-filters select", "Bird")
    assert set(shown.run(cells(1))) == {"Bird"}


def test_nothing_is_wider_than_a_phone(shown):
    shown.ask("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    shown.run("document.querySelector('#species tbody button').click()")
    shown.wait(f"{OPEN} && {SHOWN} > 10")
    assert shown.run("document.documentElement.scrollWidth") <= 390
    assert shown.run("document.querySelector('dialog').scrollWidth") <= 390
    shown.ask("Emulation.clearDeviceMetricsOverride")


def test_too_many_pictures_lie_beside_the_page(browser, made, tmp_path, monkeypatch):
    monkeypatch.setattr(lookup, "MOST_BYTES", 1000)
    content = content_of(made)
    lookup.write_beside(content["thumbnails"], content["jpegs"], tmp_path / lookup.BESIDE)
    (tmp_path / "report.html").write_text(page.render(content), encoding="utf-8")
    browser.open(tmp_path / "report.html", READY)
    browser.run("document.querySelector('#species tbody button').click()")
    browser.wait(f"{SHOWN} > 10 && {SHOWN} === document.querySelectorAll('dialog img').length")
    assert browser.run("harm") == 0
    assert "in the folder" in browser.run("document.getElementById('table').textContent")


def test_a_page_of_250_species_stays_small_and_opens(browser, tmp_path):
    html = page.render(content_of(finished.study(250, resamples=5)))
    assert len(html.encode()) < 25_000_000
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    browser.open(path, READY)
    browser.run("document.querySelector('#species tbody button').click()")
    browser.wait(f"{OPEN} && {SHOWN} > 10")


def test_a_study_without_pictures_still_has_its_numbers(made):
    content = content_of(made, thumbnails=looked_at.thumbnails(made["labels"]).clear().lazy())
    assert content["look_up"]["entries"][0]["numbers"]
    assert not any(content["jpegs"])
