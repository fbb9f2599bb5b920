"""The species table and what it opens, in a browser: by mouse and by keyboard, wherever the pictures lie."""

import polars as pl
import pytest
from playwright.sync_api import expect

from nearkin.report import page, species_browser
from tests.factories import gallery, results
from tests.factories.browser import PHONE, show, width
from tests.unit.report.test_page import EVIL, content_of

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def made():
    """A study one of whose species has a name that would be markup."""
    made = results.study(40, bootstrap_samples=5)
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
    return page.render_report(content_of(made))


@pytest.fixture
def shown(tab, html, tmp_path):
    """The page, open in a tab."""
    expect(show(tab, tmp_path / "report.html", html)).to_have_count(1)
    return tab


def rows(tab):
    return tab.locator("#species tbody tr")


def open_first(tab):
    """Open the first species; back comes its name in the table."""
    name = rows(tab).first.locator("th").text_content()
    rows(tab).first.locator("button").click()
    expect(tab.locator("dialog")).to_be_visible()
    return name


def assert_pictured(tab):
    """All pictures of the open species have come."""
    pictures = tab.locator("dialog img")
    tab.wait_for_function("[...document.querySelectorAll('dialog img')].every((image) => image.naturalWidth)")
    assert pictures.count() > 10


def test_a_species_opens_with_its_pictures(shown, html):
    name = rows(shown).first.locator("th").text_content()
    rows(shown).first.locator("td").first.click()  # anywhere in the row
    assert_pictured(shown)
    expect(shown.locator("#looked-up")).to_have_text(name)
    alts = [picture.get_attribute("alt") for picture in shown.locator("dialog img").all()]
    assert any(alt.startswith("Nearest 1, ") for alt in alts) and all(len(alt) > 10 for alt in alts)
    assert len(html) < 25_000_000


def test_the_keyboard_opens_and_closes_and_the_focus_returns(shown):
    second = rows(shown).nth(1).locator("button")
    second.focus()
    shown.keyboard.press("Enter")
    expect(shown.locator("dialog")).to_be_visible()
    expect(shown.locator("dialog :focus")).to_have_count(1)
    shown.keyboard.press("Escape")
    expect(shown.locator("dialog")).to_be_hidden()
    expect(second).to_be_focused()


def test_a_name_that_looks_like_markup_is_found_and_stays_text(shown):
    shown.get_by_role("searchbox").fill("onerror")
    expect(rows(shown).first.locator("th")).to_have_text(EVIL)
    assert open_first(shown) == EVIL
    expect(shown.locator("#looked-up")).to_have_text(EVIL)
    expect(shown.locator("dialog img[src=x], #species img")).to_have_count(0)


def test_a_species_leads_to_the_one_it_is_taken_for(shown):
    open_first(shown)
    other = shown.locator("dialog td button").first
    name = other.text_content()
    other.click()
    expect(shown.locator("#looked-up")).to_have_text(name)


def test_the_table_sorts_and_filters(shown):
    heading = shown.locator("#species thead th").nth(4)
    for order, backwards in (("ascending", False), ("descending", True)):
        heading.click()
        expect(heading).to_have_attribute("aria-sort", order)
        numbers = [int(text) for text in rows(shown).locator("> :nth-child(5)").all_text_contents()]
        assert numbers == sorted(numbers, reverse=backwards) and numbers[0] != numbers[-1]
    shown.locator("#species-filters select").first.select_option("Bird")
    assert set(rows(shown).locator("> :nth-child(2)").all_text_contents()) == {"Bird"}


def test_nothing_is_wider_than_a_phone(shown):
    shown.set_viewport_size(PHONE)
    open_first(shown)
    assert_pictured(shown)
    assert width(shown) <= PHONE["width"]
    assert width(shown, "dialog") <= PHONE["width"]


def test_too_many_pictures_lie_beside_the_page(tab, made, tmp_path, monkeypatch):
    monkeypatch.setattr(species_browser, "MAX_INLINE_BYTES", 1000)
    content = content_of(made)
    species_browser.write_external_jpegs(
        content["thumbnails"], content["jpegs"], tmp_path / species_browser.THUMBNAIL_FOLDER
    )
    show(tab, tmp_path / "report.html", page.render_report(content))
    open_first(tab)
    assert_pictured(tab)
    expect(tab.locator("#table")).to_contain_text("in the folder")


def test_a_page_of_250_species_stays_small_and_opens(tab, tmp_path):
    html = page.render_report(content_of(results.study(250, bootstrap_samples=5)))
    assert len(html.encode()) < 25_000_000
    show(tab, tmp_path / "report.html", html)
    open_first(tab)
    assert_pictured(tab)


def test_a_study_without_pictures_still_has_its_numbers(made):
    content = content_of(made, thumbnails=gallery.thumbnails(made["labels"]).clear().lazy())
    assert content["look_up"]["entries"][0]["numbers"]
    assert not any(content["jpegs"])
