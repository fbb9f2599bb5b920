"""The pages in Chromium: no delivered text runs, tables work, and their exports are harmless."""

import csv

import polars as pl
import pytest
from playwright.sync_api import expect

from nearkin.audit import page as audit_page
from nearkin.report import page as report_page
from tests.factories import audit_tables, results
from tests.factories.browser import PHONE, show, width
from tests.unit.audit.test_page import EVIL
from tests.unit.audit.test_page import content_of as audit_of
from tests.unit.audit.test_page import evil as evil_curation
from tests.unit.report.test_page import content_of as report_of

pytestmark = pytest.mark.full

FORMULA = "=cmd|'/C calc'!A0"


@pytest.fixture(scope="module")
def curation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("delivery")
    return audit_tables.curation(folder), folder


def export_csv(tab):
    """The rows of the CSV file that the page exports."""
    with tab.expect_download() as download:
        tab.locator(".buttons-csv").first.click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.reader(file) if row]


def assert_harmless(rows):
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("text", [EVIL, FORMULA, "-1+1", "\t=1"])
def test_no_delivered_text_runs_in_the_audit_or_a_spreadsheet(tab, curation, tmp_path, text):
    tables, folder = curation
    html = audit_page.render_audit(audit_of(evil_curation(tables, text), folder))
    expect(show(tab, tmp_path / "audit.html", html)).to_have_count(2)
    rows = export_csv(tab)
    assert_harmless(rows)
    assert len(rows) == len(tables["curation_log"]) + 1


def test_no_name_runs_in_the_report_or_a_spreadsheet(tab, tmp_path):
    study = results.study(8, bootstrap_samples=5)
    label = (
        pl.when(pl.col("label") == "all").then("label").otherwise(pl.lit(FORMULA + EVIL) + pl.col("label"))
    )
    evil = {
        kind: {key: frame.with_columns(label=label) for key, frame in study[kind].items()}
        for kind in ("recalls", "differences")
    }
    expect(
        show(tab, tmp_path / "report.html", report_page.render_report(report_of(study, **evil)))
    ).to_have_count(1)
    rows = export_csv(tab)
    assert_harmless(rows)
    assert [cell for cell in rows[1] if cell.startswith(f"'{FORMULA}")]


def test_a_defect_link_filters_its_rows(tab, curation, tmp_path):
    tables, folder = curation
    expect(
        show(tab, tmp_path / "audit.html", audit_page.render_audit(audit_of(tables, folder)))
    ).to_have_count(2)
    rows = tab.locator("#repair-rows tbody tr")
    expect(rows).to_have_count(len(tables["curation_log"]))
    tab.locator("#defect-counts a[data-defect='conflicting rows']").click()
    expect(rows).to_have_count(2)
    expect(tab.locator("#repair-filters select[name=field]")).to_have_value("row")
    tab.locator("#overview a[data-defect='missing file']").click()
    expect(rows).to_have_count(1)


def test_the_audit_fits_the_width_of_a_phone(tab, curation, tmp_path):
    tables, folder = curation
    tab.set_viewport_size(PHONE)
    html = audit_page.render_audit(audit_of(evil_curation(tables, "x" * 1000), folder))
    expect(show(tab, tmp_path / "audit.html", html)).to_have_count(2)
    assert width(tab) <= PHONE["width"]
