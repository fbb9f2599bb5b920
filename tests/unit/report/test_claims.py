"""The claims in the report: each once, in order, as text."""

import polars as pl
import pytest

from nearkin.claims.sentences import format_claim
from nearkin.report import claims, page
from nearkin.tables.claims import CLAIMS, Claims
from tests.factories import results
from tests.unit.report.test_page import EVIL, Page, content_of

PAIR = ("lite0", "lite0_unicom")


@pytest.fixture(scope="module")
def study():
    return results.study(40, bootstrap_samples=20)


def test_claim_tables_are_valid_and_hold_every_claim(study):
    table = Claims.validate(study["claims"][PAIR].sort(Claims.primary_key()))
    assert set(table["claim"]) == set(CLAIMS)
    assert set(table["protocol"]) == {"leave_one_out", "train_gallery", "unseen_species"}
    assert set(table.filter(claim="rises_with_training_images")["subject"]) == set(PAIR)


def test_the_order_of_rows_changes_nothing(study):
    table = study["claims"][PAIR]
    shuffled = table.sample(fraction=1, shuffle=True, seed=1)
    names = {"base": PAIR[0], "trained": PAIR[1]}
    assert claims.collect_pair_claims(shuffled, **names) == claims.collect_pair_claims(table, **names)


def test_every_claim_is_in_the_report_with_its_answer(study):
    html = page.render_report(content_of(study))
    text = Page(html).text
    for table in study["claims"].values():
        for row in table.to_dicts():
            assert f"{row['answer']}{format_claim(row)}" in text
    assert '<a href="#claims">' in html and html.count('id="claims"') == 1


def test_claims_are_sorted_by_category_with_the_base_first(study):
    blocks = claims.collect_pair_claims(study["claims"][PAIR], base="lite0", trained="lite0_unicom")["blocks"]
    assert [block["title"] for block in blocks] == ["Leave one out", "Train gallery", "Unseen species"]
    first = [row["sentence"] for row in blocks[0]["questions"][0]["rows"]]
    expected = [(category, model) for category in ("Bird", "Butterfly", "Fish") for model in PAIR]
    for (category, model), by_rank, by_odds in zip(expected, first[::2], first[1::2], strict=True):
        assert f" {model} " in by_rank and f" {category}" in by_rank
        assert f" {model} " in by_odds and f" {category}" in by_odds


def test_markup_in_names_is_escaped(study):
    evil = {
        pair: table.with_columns(
            category=EVIL + pl.col("category"),
            worsened_labels=pl.lit([EVIL]),
            n_worsened=pl.lit(1, dtype=pl.Int64),
        )
        for pair, table in study["claims"].items()
    }
    parsed = Page(page.render_report(content_of(study, claims=evil)))
    assert f"1 worsened ({EVIL})" in parsed.text
    assert not [attrs for _, attrs in parsed.tags if "onerror" in attrs]
