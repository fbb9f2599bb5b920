"""Images without a category: no collision with everything, no level, no rows of their own."""

import polars as pl
import pytest

from nearkin.claims import evaluate
from nearkin.claims.sentences import format_claim
from nearkin.comparison import paired, seeds, trend
from nearkin.evaluation import invariants, query_scores
from nearkin.report.headline_numbers import list_recall_records
from nearkin.report.reference_format import format_comparison as printed
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


def study(of_species):
    """Labels and splits of nine images of three species, whose categories `of_species` gives."""
    labels, splits = test_odd_scores.study(SPECIES)
    category = pl.col("species").replace_strict(["Aa x", "Aa y", "Bb z"], of_species)
    return labels.with_columns(category=category), splits


def scored(of_species):
    """Everything that is computed of a model that finds right images and one that finds wrong ones."""
    labels, splits = study(of_species)
    found = [test_odd_scores.nearest(labels, right=right) for right in (False, True)]
    hits = [QueryScores.validate(test_odd_scores.hits_of(labels, splits, one)) for one in found]
    recalls = dict(zip(["base", "trained"], map(test_odd_scores.averages, hits), strict=True))
    drawn = {"ks": KS, "bootstrap_samples": 100, "seed": SEED}
    counts = paired.count_training_images(labels, splits)
    differences = paired.compare_models(*hits, n_train=counts, min_queries=2, **drawn)
    of_seeds = seeds.summarise_seeds(
        dict(zip(recalls, hits, strict=True)), {name: [name] for name in recalls}, bases={}, **drawn
    )
    return {
        "hits": hits[1],
        "statistics": Statistics.validate(statistics.describe_dataset(labels, splits)),
        "recalls": {name: Metrics.validate(table) for name, table in recalls.items()},
        "differences": Differences.validate(differences),
        "variants": SeedSummaries.validate(of_seeds),
        "claims": Claims.validate(evaluate.evaluate_claims(recalls, differences, k=1)),
    }


def scopes(table):
    """The categories that have a row of all their labels."""
    return set(table.filter(label="all")["category"]) if "label" in table.columns else set(table["category"])


def test_without_any_category_there_is_no_such_level_and_only_rows_of_all():
    made = scored(["", "", ""])
    assert set(made["hits"]["level"]) == {"genus", "species"}
    for table in (made["statistics"], made["recalls"]["trained"], made["differences"], made["variants"]):
        assert scopes(table) == {"all"}
    assert made["statistics"].filter(split="all")["n_images"].to_list() == [9]
    assert set(made["recalls"]["trained"]["level"]) == {"genus", "species"}
    invariants.check_hits_nested(made["hits"])
    invariants.check_recall_recomputed(made["recalls"]["trained"], made["hits"])


def test_without_categories_claims_are_about_all_images():
    claims = scored(["", "", ""])["claims"]
    assert set(claims["category"]) == {"all"}
    assert SATURATED not in set(claims["claim"])
    message = [format_claim(row) for row in claims.to_dicts()]
    assert any("the typical species improved from base to trained" in one.lower() for one in message)
    assert not any(words in one for one in message for words in ("categor", "of all", "in all"))


def test_without_any_category_the_printed_comparison_is_of_all():
    text = printed(*scored(["", "", ""])["recalls"].values(), protocol="leave_one_out", k=1)
    assert text.startswith("Trained\nOverall Species Recall: 1.0000\n\nBase\n")
    assert "\n=====\nall:\n-----\n" in text and "ategory" not in text


def test_images_without_a_category_count_beside_the_others():
    made = scored(["Fish", "Bird", ""])
    for table in (made["statistics"], made["recalls"]["trained"], made["differences"], made["variants"]):
        assert scopes(table) == {"all", "Fish", "Bird", ""}
    images = made["statistics"].filter(split="all").select("category", "n_images")
    assert dict(images.iter_rows()) == {"all": 9, "Fish": 3, "Bird": 3, "": 3}
    # They do not query at the level category, and never count as right there.
    assert set(made["hits"].filter(level="category")["category"]) == {"Fish", "Bird"}
    assert set(made["hits"].filter(level="species")["category"]) == {"Fish", "Bird", ""}
    invariants.check_hits_nested(made["hits"])
    assert any("of images without a category" in format_claim(row) for row in made["claims"].to_dicts())


def test_images_without_a_category_are_no_category_to_each_other():
    labels, splits = study(["", "", "Fish"])
    first = test_odd_scores.nearest(labels, right=True)
    hits = test_odd_scores.hits_of(labels, splits, first)
    assert hits.filter(level="category")["label"].to_list() == ["Fish"] * 3
    assert hits.filter(level="category")["n_relevant"].to_list() == [2] * 3
    assert query_scores.list_levels(labels) == ["category", "genus", "species"]
    assert query_scores.list_levels(study(["", "", ""])[0]) == ["genus", "species"]


def test_one_category_has_rows_of_its_own_beside_those_of_all():
    made = scored(["Fish", "Fish", "Fish"])
    assert scopes(made["recalls"]["trained"]) == {"all", "Fish"}
    headline = list_recall_records(made["recalls"], ks=KS)
    assert {row["level"] for row in headline} == {"category", "genus", "species"}
    (saturated, _) = made["claims"].filter(claim=SATURATED)["null_reason"]
    assert "one category only" in saturated


def test_the_trend_without_categories_is_that_of_all():
    rows = {"protocol": "leave_one_out", "level": "species", "metric": "recall", "k": 1, "n_queries": 3}
    species = pl.DataFrame({"label": [f"Aa {letter}" for letter in "abcdefgh"], "n_train": range(8)})
    made = species.with_columns(pl.lit(value).alias(key) for key, value in rows.items())
    made = made.with_columns(category=pl.lit(NONE), diff_pp=pl.col("n_train").cast(pl.Float64))
    assert set(trend.fit_trend(made, bootstrap_samples=100, seed=1)["category"]) == {"all"}


@pytest.mark.parametrize("message", [None, "", " ", "\u00a0\u200b"])
def test_a_blank_category_is_none(message):
    assert pl.select(categories.clean_category(pl.lit(message, pl.String))).item() == NONE


@pytest.mark.parametrize(
    ("message", "meant"),
    [(" Fish\t", "Fish"), ("Sea\u00a0 fish", "Sea fish"), ("Fise\u0301", "Fis\u00e9"), ("fish", "fish")],
)
def test_white_space_and_unicode_forms_tell_no_categories_apart(message, meant):
    assert pl.select(categories.clean_category(pl.lit(message))).item() == meant
