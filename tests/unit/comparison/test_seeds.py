"""Models of several seeds as one seed group: mean values, and intervals as for one model."""

import numpy as np
import polars as pl
import pytest

from nearkin.comparison import paired
from nearkin.comparison.seeds import summarise_seeds
from nearkin.evaluation import averages
from nearkin.tables.seeds import SeedSummaries
from tests.factories import random_study
from tests.unit.comparison.test_all_pairs import score_hits

SETTINGS = {"ks": [1, 3], "bootstrap_samples": 200, "seed": 1}


@pytest.fixture(scope="module")
def hits():
    return {name: score_hits(seed) for seed, name in enumerate(["base", "first", "second"], start=1)}


def summarise(hits, models):
    table = summarise_seeds(hits, models, bases={"tuned": "base"}, **SETTINGS)
    SeedSummaries.validate(table.select(SeedSummaries.column_names()))
    return table


def test_one_seed_has_the_numbers_of_its_model(hits):
    table = summarise(hits, {"base": ["base"], "tuned": ["first"]})
    expected = averages.compute_metrics(hits["first"], depth=15, **SETTINGS).filter(
        metric="recall", average="micro", query_subset="all", label="all"
    )
    counts = paired.count_training_images(*random_study.study(1))
    changes = paired.compare_models(hits["base"], hits["first"], n_train=counts, min_queries=4, **SETTINGS)
    changes = changes.filter(metric="recall", label="all")
    keys = ["protocol", "level", "category", "k"]
    of_variant = table.filter(config_name="tuned")
    both = of_variant.filter(metric="recall").join(expected, on=keys, suffix=" expected", validate="1:1")
    assert len(both) == len(expected) == 3 * 2 * 3  # levels, ks, categories and all
    for name, other in [("mean", "value"), ("ci_low", "ci_low expected"), ("ci_high", "ci_high expected")]:
        assert both[name].to_list() == pytest.approx(both[other].to_list()), name
    both = of_variant.filter(metric="diff_pp").join(changes, on=keys, suffix=" expected", validate="1:1")
    assert len(both) == len(changes)
    for name, other in [("mean", "diff_pp"), ("ci_low", "ci_low expected"), ("ci_high", "ci_high expected")]:
        assert both[name].to_list() == pytest.approx(both[other].to_list()), name
    assert of_variant["std"].is_null().all()
    assert table.filter(config_name="base", metric="diff_pp").is_empty()


def test_seeds_have_a_mean_and_a_spread(hits):
    table = summarise(hits, {"base": ["base"], "tuned": ["first", "second"]})
    scope = {"level": "species", "category": "all", "k": 1}
    row = table.filter(config_name="tuned", metric="recall", **scope).row(0, named=True)
    values = [
        (scores.filter(level="species")["first_relevant_rank"] == 1).fill_null(False).mean()
        for scores in hits.values()
    ]
    base, *seeds = values
    assert row["n_seeds"] == 2
    assert row["mean"] == pytest.approx(np.mean(seeds))
    assert row["std"] == pytest.approx(np.std(seeds, ddof=1))
    assert (row["min"], row["max"]) == (min(seeds), max(seeds))
    assert row["ci_low"] < row["mean"] < row["ci_high"]
    difference = table.filter(config_name="tuned", metric="diff_pp", **scope).row(0, named=True)
    assert difference["mean"] == pytest.approx(100 * (np.mean(seeds) - base))
    assert difference["std"] == pytest.approx(100 * row["std"])


def test_copies_of_a_model_change_only_the_count(hits):
    once = summarise(hits, {"tuned": ["first"]})
    twice = summarise(hits | {"copy": hits["first"]}, {"tuned": ["first", "copy"]})
    same = ["protocol", "level", "category", "k", "metric", "mean", "ci_low", "ci_high", "min", "n_queries"]
    assert once.select(same).equals(twice.select(same), null_equal=True)
    assert twice["std"].unique().to_list() == [0]


def test_other_queries_are_refused(hits):
    with pytest.raises(ValueError, match="did not answer the same queries"):
        summarise(hits | {"first": hits["first"].filter(pl.col("level") != "genus")}, {"tuned": ["first"]})
