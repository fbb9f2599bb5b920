"""Models of several seeds as one variant: the mean of their numbers, and intervals as for one model."""

import numpy as np
import polars as pl
import pytest

from nearkin.comparison import paired
from nearkin.comparison.seeds import summarise_seeds
from nearkin.evaluation import averages
from nearkin.tables.seeds import SeedSummaries
from tests.factories import random_study
from tests.unit.comparison.test_all_pairs import hits_of

HOW = {"ks": [1, 3], "bootstrap_samples": 200, "seed": 1}


@pytest.fixture(scope="module")
def hits():
    return {name: hits_of(seed) for seed, name in enumerate(["base", "first", "second"], start=1)}


def table_of(hits, models):
    table = summarise_seeds(hits, models, bases={"tuned": "base"}, **HOW)
    SeedSummaries.validate(table.select(SeedSummaries.column_names()))
    return table


def test_one_seed_is_told_as_the_model_alone(hits):
    table = table_of(hits, {"base": ["base"], "tuned": ["first"]})
    alone = averages.compute_metrics(hits["first"], depth=15, **HOW).filter(
        metric="recall", average="micro", query_subset="all", label="all"
    )
    counts = paired.count_training_images(*random_study.study(1))
    changes = paired.compare_models(hits["base"], hits["first"], n_train=counts, min_queries=4, **HOW)
    changes = changes.filter(metric="recall", label="all")
    keys = ["protocol", "level", "category", "k"]
    mine = table.filter(config_name="tuned")
    both = mine.filter(metric="recall").join(alone, on=keys, suffix=" alone", validate="1:1")
    assert len(both) == len(alone) == 3 * 2 * 3  # levels, ks, categories and all
    for name, other in [("mean", "value"), ("ci_low", "ci_low alone"), ("ci_high", "ci_high alone")]:
        assert both[name].to_list() == pytest.approx(both[other].to_list()), name
    both = mine.filter(metric="diff_pp").join(changes, on=keys, suffix=" alone", validate="1:1")
    assert len(both) == len(changes)
    for name, other in [("mean", "diff_pp"), ("ci_low", "ci_low alone"), ("ci_high", "ci_high alone")]:
        assert both[name].to_list() == pytest.approx(both[other].to_list()), name
    assert mine["std"].is_null().all()
    assert table.filter(config_name="base", metric="diff_pp").is_empty()


def test_seeds_are_averaged_and_told_apart(hits):
    table = table_of(hits, {"base": ["base"], "tuned": ["first", "second"]})
    where = {"level": "species", "category": "all", "k": 1}
    row = table.filter(config_name="tuned", metric="recall", **where).row(0, named=True)
    values = [
        (one.filter(level="species")["first_relevant_rank"] == 1).fill_null(False).mean()
        for one in hits.values()
    ]
    base, *seeds = values
    assert row["n_seeds"] == 2
    assert row["mean"] == pytest.approx(np.mean(seeds))
    assert row["std"] == pytest.approx(np.std(seeds, ddof=1))
    assert (row["min"], row["max"]) == (min(seeds), max(seeds))
    assert row["ci_low"] < row["mean"] < row["ci_high"]
    points = table.filter(config_name="tuned", metric="diff_pp", **where).row(0, named=True)
    assert points["mean"] == pytest.approx(100 * (np.mean(seeds) - base))
    assert points["std"] == pytest.approx(100 * row["std"])


def test_copies_of_a_model_change_nothing_but_their_number(hits):
    once = table_of(hits, {"tuned": ["first"]})
    twice = table_of(hits | {"copy": hits["first"]}, {"tuned": ["first", "copy"]})
    same = ["protocol", "level", "category", "k", "metric", "mean", "ci_low", "ci_high", "min", "n_queries"]
    assert once.select(same).equals(twice.select(same), null_equal=True)
    assert twice["std"].unique().to_list() == [0]


def test_other_queries_are_refused(hits):
    with pytest.raises(ValueError, match="did not answer the same queries"):
        table_of(hits | {"first": hits["first"].filter(pl.col("level") != "genus")}, {"tuned": ["first"]})
