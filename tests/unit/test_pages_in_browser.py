"""The pages in a browser: no delivered text runs, tables work, and what they export is harmless."""

import csv
import io

import polars as pl
import pytest

from nearkin.audit import page as audit_page
from nearkin.report import page as report_page
from tests.unit import audited, finished
from tests.unit.browser import CHROMIUM, Browser
from tests.unit.test_audit import EVIL
from tests.unit.test_audit import content_of as audit_of
from tests.unit.test_audit import evil as evil_curation
from tests.unit.test_report import content_of as report_of

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
FORMULA = "=cmd|'/C calc'!A0"
DONE = "document.readyState === 'complete' && document.querySelectorAll('.dt-container').length === {}"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def curated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("delivery")
    return audited.curation(folder), folder


def show(browser, html, path, *, n_tables):
    path.write_text(html, encoding="utf-8")
    browser.open(path, DONE.format(n_tables))


def exported(browser):
    """The cells that the page offers as CSV."""
    browser.run("blobs.length = 0; document.querySelector('.buttons-csv').click()")
    browser.wait("blobs.length > 0")
    text = browser.run("blobs[0].text()")
    return [row for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))) if row]


def assert_harmless(rows):
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("text", [EVIL, FORMULA, "-1+1", "\t=1"])
def test_no_text_of_a_delivery_runs_in_the_audit_or_in_a_spreadsheet(browser, curated, tmp_path, text):
    tables, folder = curated
    html = audit_page.render(audit_of(evil_curation(tables, text), folder))
    show(browser, html, tmp_path / "audit.html", n_tables=2)
    rows = exported(browser)
    assert_harmless(rows)
    assert len(rows) == len(tables["gaps"]) + 1
    assert browser.run("harm") == 0


def test_no_name_runs_in_the_report_or_in_a_spreadsheet(browser, tmp_path):
    made = finished.study(8, resamples=5)
    named = (
        pl.when(pl.col("label") == "all").then("label").otherwise(pl.lit(FORMULA + EVIL) + pl.col("label"))
    )
    evil = {
        kind: {key: frame.with_columns(label=named) for key, frame in made[kind].items()}
        for kind in ("recalls", "differences")
    }
    show(browser, report_page.render(report_of(made, **evil)), tmp_path / "report.html", n_tables=1)
    rows = exported(browser)
    assert_harmless(rows)
    assert [cell for cell in rows[1] if cell.startswith(f"'{FORMULA}")]
    assert browser.run("harm") == 0


def test_a_defect_leads_to_its_rows(browser, curated, tmp_path):
    tables, folder = curated
    show(browser, audit_page.render(audit_of(tables, folder)), tmp_path / "audit.html", n_tables=2)
    rows = "document.querySelectorAll('#repair-rows tbody tr').length"
    assert browser.run(rows) == len(tables["gaps"])
    browser.run("document.querySelector('#defect-counts a[data-defect=\"conflicting rows\"]').click()")
    assert browser.run(rows) == 2
    assert browser.run("document.querySelector('#repair-filters select[name=field]').value") == "row"
    browser.run("document.querySelector('#overview a[data-defect=\"missing file\"]').click()")
    assert browser.run(rows) == 1


def test_nothing_is_wider_than_a_phone(browser, curated, tmp_path):
    tables, folder = curated
    browser.ask("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    html = audit_page.render(audit_of(evil_curation(tables, "x" * 1000), folder))
    show(browser, html, tmp_path / "audit.html", n_tables=2)
    assert browser.run("document.documentElement.scrollWidth") <= 390
