"""Images without a category: they differ from the category "all" and have no level of their own."""

import polars as pl
import pytest

from nearkin.claims import evaluate
from nearkin.claims.sentences import format_claim
from nearkin.comparison import paired, seeds, trend
from nearkin.evaluation import invariants, query_scores
from nearkin.report.headline_numbers import list_recall_records
from nearkin.report.reference_format import format_comparison
from nearkin.splits import statistics
from nearkin.tables import categories
from nearkin.tables.claims import SATURATED, Claims
from nearkin.tables.dataset_statistics import Statistics
from nearkin.tables.scores import Differences, Metrics, QueryScores
from nearkin.tables.seeds import SeedSummaries
from nearkin.vocabulary import NONE
from tests.unit.evaluation import test_odd_scores

KS, SEED = test_odd_scores.KS, test_odd_scores.SEED
SPECIES = ["Aa x"] * 3 + ["Aa y"] * 3 + ["Bb z"] * 3


def make_study(of_species):
    """Labels and splits of nine images of three species, whose categories `of_species` gives."""
    labels, splits = test_odd_scores.study(SPECIES)
    category = pl.col("species").replace_strict(["Aa x", "Aa y", "Bb z"], of_species)
    return labels.with_columns(category=category), splits


def compute_study(of_species):
    """All results of a model that finds relevant images and of one that finds wrong ones."""
    labels, splits = make_study(of_species)
    neighbours = [
        test_odd_scores.make_neighbours(labels, own_species_first=own_species_first)
        for own_species_first in (False, True)
    ]
    hits = [QueryScores.validate(test_odd_scores.score_hits(labels, splits, table)) for table in neighbours]
    recalls = dict(zip(["base", "trained"], map(test_odd_scores.compute_averages, hits), strict=True))
    bootstrap = {"ks": KS, "bootstrap_samples": 100, "seed": SEED}
    counts = paired.count_training_images(labels, splits)
    differences = paired.compare_models(*hits, n_train=counts, min_queries=2, **bootstrap)
    of_seeds = seeds.summarise_seeds(
        dict(zip(recalls, hits, strict=True)), {name: [name] for name in recalls}, bases={}, **bootstrap
    )
    return {
        "hits": hits[1],
        "statistics": Statistics.validate(statistics.describe_dataset(labels, splits)),
        "recalls": {name: Metrics.validate(table) for name, table in recalls.items()},
        "differences": Differences.validate(differences),
        "variants": SeedSummaries.validate(of_seeds),
        "claims": Claims.validate(evaluate.evaluate_claims(recalls, differences, k=1)),
    }


def list_categories(table):
    """The categories that have a row of all their labels."""
    return set(table.filter(label="all")["category"]) if "label" in table.columns else set(table["category"])


def test_without_categories_there_is_no_category_level():
    results = compute_study(["", "", ""])
    assert set(results["hits"]["level"]) == {"genus", "species"}
    for table in (
        results["statistics"],
        results["recalls"]["trained"],
        results["differences"],
        results["variants"],
    ):
        assert list_categories(table) == {"all"}
    assert results["statistics"].filter(split="all")["n_images"].to_list() == [9]
    assert set(results["recalls"]["trained"]["level"]) == {"genus", "species"}
    invariants.check_hits_nested(results["hits"])
    invariants.check_recall_recomputed(results["recalls"]["trained"], results["hits"])


def test_without_categories_claims_are_about_all_images():
    claims = compute_study(["", "", ""])["claims"]
    assert set(claims["category"]) == {"all"}
    assert SATURATED not in set(claims["claim"])
    sentences = [format_claim(row) for row in claims.to_dicts()]
    assert any(
        "the typical species improved from base to trained" in sentence.lower() for sentence in sentences
    )
    assert not any(words in sentence for sentence in sentences for words in ("categor", "of all", "in all"))


def test_without_categories_the_text_comparison_is_of_all():
    text = format_comparison(*compute_study(["", "", ""])["recalls"].values(), protocol="leave_one_out", k=1)
    assert text.startswith("Trained\nOverall Species Recall: 1.0000\n\nBase\n")
    assert "\n=====\nall:\n-----\n" in text and "ategory" not in text


def test_images_without_a_category_have_rows_of_their_own():
    results = compute_study(["Fish", "Bird", ""])
    for table in (
        results["statistics"],
        results["recalls"]["trained"],
        results["differences"],
        results["variants"],
    ):
        assert list_categories(table) == {"all", "Fish", "Bird", ""}
    images = results["statistics"].filter(split="all").select("category", "n_images")
    assert dict(images.iter_rows()) == {"all": 9, "Fish": 3, "Bird": 3, "": 3}
    # They do not query at the level category, and are never relevant there.
    assert set(results["hits"].filter(level="category")["category"]) == {"Fish", "Bird"}
    assert set(results["hits"].filter(level="species")["category"]) == {"Fish", "Bird", ""}
    invariants.check_hits_nested(results["hits"])
    assert any("of images without a category" in format_claim(row) for row in results["claims"].to_dicts())


def test_images_without_a_category_are_not_relevant_to_each_other():
    labels, splits = make_study(["", "", "Fish"])
    first = test_odd_scores.make_neighbours(labels, own_species_first=True)
    hits = test_odd_scores.score_hits(labels, splits, first)
    assert hits.filter(level="category")["label"].to_list() == ["Fish"] * 3
    assert hits.filter(level="category")["n_relevant"].to_list() == [2] * 3
    assert query_scores.list_levels(labels) == ["category", "genus", "species"]
    assert query_scores.list_levels(make_study(["", "", ""])[0]) == ["genus", "species"]


def test_a_single_category_has_rows_in_addition_to_all():
    results = compute_study(["Fish", "Fish", "Fish"])
    assert list_categories(results["recalls"]["trained"]) == {"all", "Fish"}
    headline = list_recall_records(results["recalls"], ks=KS)
    assert {row["level"] for row in headline} == {"category", "genus", "species"}
    (saturated, _) = results["claims"].filter(claim=SATURATED)["null_reason"]
    assert "one category only" in saturated


def test_the_trend_without_categories_is_that_of_all():
    rows = {"protocol": "leave_one_out", "level": "species", "metric": "recall", "k": 1, "n_queries": 3}
    species = pl.DataFrame({"label": [f"Aa {letter}" for letter in "abcdefgh"], "n_train": range(8)})
    changes = species.with_columns(pl.lit(value).alias(key) for key, value in rows.items())
    changes = changes.with_columns(category=pl.lit(NONE), diff_pp=pl.col("n_train").cast(pl.Float64))
    assert set(trend.fit_trend(changes, bootstrap_samples=100, seed=1)["category"]) == {"all"}


@pytest.mark.parametrize("text", [None, "", " ", "\u00a0\u200b"])
def test_a_blank_category_is_none(text):
    assert pl.select(categories.clean_category(pl.lit(text, pl.String))).item() == NONE


@pytest.mark.parametrize(
    ("text", "expected"),
    [(" Fish\t", "Fish"), ("Sea\u00a0 fish", "Sea fish"), ("Fise\u0301", "Fis\u00e9"), ("fish", "fish")],
)
def test_white_space_and_unicode_forms_are_normalised(text, expected):
    assert pl.select(categories.clean_category(pl.lit(text))).item() == expected
