"""The species table and browser in Chromium: by mouse and keyboard, with inline and external pictures."""

import polars as pl
import pytest
from playwright.sync_api import expect

from nearkin.report import page, species_browser
from tests.factories import gallery, results
from tests.factories.browser import PHONE, show, width
from tests.unit.report.test_page import EVIL, content_of

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def study():
    """A study in which the name of one species is markup."""
    study = results.study(40, bootstrap_samples=5)
    evil = study["labels"].join(study["splits"].filter(split="test"), on="uuid")["species"].min()

    def rename(frame, column):
        return frame.with_columns(pl.col(column).replace(evil, EVIL))

    return study | {
        "labels": rename(study["labels"], "species"),
        "recalls": {model: rename(frame, "label") for model, frame in study["recalls"].items()},
        "differences": {pair: rename(frame, "label") for pair, frame in study["differences"].items()},
    }


@pytest.fixture(scope="module")
def html(study):
    return page.render_report(content_of(study))


@pytest.fixture
def report_tab(tab, html, tmp_path):
    """The page, open in a tab."""
    expect(show(tab, tmp_path / "report.html", html)).to_have_count(1)
    return tab


def rows(tab):
    return tab.locator("#species tbody tr")


def open_first(tab):
    """Open the first species and return its name in the table."""
    name = rows(tab).first.locator("th").text_content()
    rows(tab).first.locator("button").click()
    expect(tab.locator("dialog")).to_be_visible()
    return name


def assert_pictures_load(tab):
    """All pictures of the open species are loaded."""
    pictures = tab.locator("dialog img")
    tab.wait_for_function("[...document.querySelectorAll('dialog img')].every((image) => image.naturalWidth)")
    assert pictures.count() > 10


def test_a_species_opens_with_its_pictures(report_tab, html):
    name = rows(report_tab).first.locator("th").text_content()
    rows(report_tab).first.locator("td").first.click()  # anywhere in the row
    assert_pictures_load(report_tab)
    expect(report_tab.locator("#species-dialog-name")).to_have_text(name)
    alts = [picture.get_attribute("alt") for picture in report_tab.locator("dialog img").all()]
    assert any(alt.startswith("Nearest 1, ") for alt in alts) and all(len(alt) > 10 for alt in alts)
    assert len(html) < 25_000_000


def test_the_keyboard_opens_and_closes_and_the_focus_returns(report_tab):
    second = rows(report_tab).nth(1).locator("button")
    second.focus()
    report_tab.keyboard.press("Enter")
    expect(report_tab.locator("dialog")).to_be_visible()
    expect(report_tab.locator("dialog :focus")).to_have_count(1)
    report_tab.keyboard.press("Escape")
    expect(report_tab.locator("dialog")).to_be_hidden()
    expect(second).to_be_focused()


def test_a_name_that_is_markup_is_searchable_and_escaped(report_tab):
    report_tab.get_by_role("searchbox").fill("onerror")
    expect(rows(report_tab).first.locator("th")).to_have_text(EVIL)
    assert open_first(report_tab) == EVIL
    expect(report_tab.locator("#species-dialog-name")).to_have_text(EVIL)
    expect(report_tab.locator("dialog img[src=x], #species img")).to_have_count(0)


def test_a_species_links_to_its_confused_species(report_tab):
    open_first(report_tab)
    other = report_tab.locator("dialog td button").first
    name = other.text_content()
    other.click()
    expect(report_tab.locator("#species-dialog-name")).to_have_text(name)


def test_the_table_sorts_and_filters(report_tab):
    heading = report_tab.locator("#species thead th").nth(4)
    for order, backwards in (("ascending", False), ("descending", True)):
        heading.click()
        expect(heading).to_have_attribute("aria-sort", order)
        numbers = [int(text) for text in rows(report_tab).locator("> :nth-child(5)").all_text_contents()]
        assert numbers == sorted(numbers, reverse=backwards) and numbers[0] != numbers[-1]
    report_tab.locator("#species-filters select").first.select_option("Bird")
    assert set(rows(report_tab).locator("> :nth-child(2)").all_text_contents()) == {"Bird"}


def test_the_report_fits_the_width_of_a_phone(report_tab):
    report_tab.set_viewport_size(PHONE)
    open_first(report_tab)
    assert_pictures_load(report_tab)
    assert width(report_tab) <= PHONE["width"]
    assert width(report_tab, "dialog") <= PHONE["width"]


def test_external_pictures_are_loaded(tab, study, tmp_path, monkeypatch):
    monkeypatch.setattr(species_browser, "MAX_INLINE_BYTES", 1000)
    content = content_of(study)
    species_browser.write_external_jpegs(
        content["thumbnails"], content["jpegs"], tmp_path / species_browser.THUMBNAIL_FOLDER
    )
    show(tab, tmp_path / "report.html", page.render_report(content))
    open_first(tab)
    assert_pictures_load(tab)
    expect(tab.locator("#table")).to_contain_text("in the folder")


def test_a_page_of_250_species_stays_small_and_opens(tab, tmp_path):
    html = page.render_report(content_of(results.study(250, bootstrap_samples=5)))
    assert len(html.encode()) < 25_000_000
    show(tab, tmp_path / "report.html", html)
    open_first(tab)
    assert_pictures_load(tab)


def test_a_study_without_pictures_still_has_its_numbers(study):
    content = content_of(study, thumbnails=gallery.thumbnails(study["labels"]).clear().lazy())
    assert content["look_up"]["entries"][0]["numbers"]
    assert not any(content["jpegs"])
