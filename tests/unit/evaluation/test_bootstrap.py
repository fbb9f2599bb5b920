"""Sums of queries by label and resampling unit, the strata of these units, their resampled weights."""

import numpy as np
import polars as pl
import pytest

from nearkin.evaluation.bootstrap import (
    LabelGroupSums,
    add_resampling_units,
    bootstrap_sums,
    bootstrap_weights,
)


def make_hits(rows):
    """Hits from rows (uuid, level, category, label, group)."""
    return pl.DataFrame(rows, schema=["uuid", "level", "category", "label", "group_id"], orient="row")


def make_species_hits(rows):
    return make_hits([(str(i), "species", *row) for i, row in enumerate(rows)])


def map_strata(hits):
    """The stratum of each unit: {(category, finest, group): number}, with their sizes."""
    hits, strata = add_resampling_units(hits)
    units = hits.select("category", "finest", "group_id", "unit").unique().sort("unit")
    assert units["unit"].to_list() == list(range(len(strata)))
    return {row[:3]: int(strata[row[3]]) for row in units.iter_rows()}


def test_single_units_share_one_stratum_per_category():
    strata = map_strata(
        make_species_hits(
            [
                ("Bird", "Aa x", "1"),
                ("Bird", "Aa x", "2"),  # two units: a stratum of their own
                ("Bird", "Bb y", "9"),
                ("Bird", "Bb y", "9"),  # two images of one group are one unit
                ("Bird", "Cc z", "4"),
                ("Fish", "Dd w", "5"),
                ("Fish", "Ee v", "6"),
                ("Fish", "Ee v", "7"),
                ("Fish", "Ee v", "8"),
            ]
        )
    )
    assert strata["Bird", "Bb y", "9"] == strata["Bird", "Cc z", "4"]
    assert strata["Bird", "Aa x", "1"] == strata["Bird", "Aa x", "2"]
    assert len({strata["Fish", "Ee v", group] for group in "678"}) == 1
    assert len(set(strata.values())) == 4
    single = [("Bird", "Bb y", "9"), ("Bird", "Cc z", "4")]  # by species, then by group
    assert list(strata)[:4] == [*single, ("Bird", "Aa x", "1"), ("Bird", "Aa x", "2")]
    assert list(strata.values()) == sorted(strata.values())  # as `bootstrap_weights` expects them


def test_equal_species_names_in_two_categories_stay_separate():
    strata = map_strata(
        make_species_hits([(category, "Aa x", group) for category in ("Bird", "Fish") for group in "12"])
    )
    assert len(strata) == 4 and len(set(strata.values())) == 2


def test_a_unit_is_a_group_within_the_finest_label():
    rows = [
        ("a", "genus", "Bird", "Aa", "1"),
        ("a", "species", "Bird", "Aa x", "1"),
        ("a", "category", "Bird", "Bird", "1"),
        ("b", "genus", "Bird", "Aa", "1"),  # no species: a unit of its genus
        ("c", "genus", "Bird", "Aa", "2"),
    ]
    hits, strata = add_resampling_units(make_hits(rows))
    finest = dict(hits.select("uuid", "finest").iter_rows())
    assert finest == {"a": "Aa x", "b": "Aa", "c": "Aa"}
    assert hits["uuid"].to_list() == [row[0] for row in rows]
    assert len(strata) == 3 and len(set(strata)) == 2


def test_sums_over_sampled_units_equal_the_sums_of_their_rows():
    """Two labels over three units: unit 0 has both labels."""
    rows = [("Bird", "x", 0, 1.0), ("Bird", "x", 1, 2.0), ("Bird", "x", 1, 4.0), ("Bird", "y", 0, 8.0)]
    hits = pl.DataFrame(
        rows + [("Fish", "x", 2, 16.0)], schema=["category", "label", "unit", "v"], orient="row"
    )
    hits = hits.with_columns(pl.col("unit").cast(pl.UInt32))
    sums_by_group = LabelGroupSums(hits, [pl.col("v")])
    assert sums_by_group.labels.rows() == [("Bird", "x"), ("Bird", "y"), ("Fish", "x")]
    assert sums_by_group.values.tolist() == [[1, 1], [2, 6], [1, 8], [1, 16]]
    sums = sums_by_group.matrix(3) @ np.array([1.0, 10.0, 100.0])
    assert sums.reshape(3, 2).tolist() == [[21, 61], [1, 8], [100, 1600]]


def test_several_sums_are_resampled_together():
    rows = [("Bird", "x", unit, float(unit)) for unit in range(4)]
    hits = pl.DataFrame(rows, schema=["category", "label", "unit", "v"], orient="row")
    hits = hits.with_columns(pl.col("unit").cast(pl.UInt32))
    pair = [LabelGroupSums(hits, [pl.col("v")]), LabelGroupSums(hits, [2 * pl.col("v"), pl.col("v")])]
    samples = list(bootstrap_sums(pair, np.zeros(4, dtype=np.int64), bootstrap_samples=20, seed=1))
    first, second = (np.concatenate(parts, axis=-1) for parts in zip(*samples, strict=True))
    assert first.shape == (1, 2, 20) and second.shape == (1, 3, 20)
    assert np.allclose(first[:, 0], 4) and np.array_equal(second[:, 1], 2 * first[:, 1])
    assert np.array_equal(second[:, 2], first[:, 1]) and len(np.unique(first[:, 1])) > 2


def compute_weights(strata, bootstrap_samples, seed=1, chunk_weights=2**22):
    chunks = bootstrap_weights(
        np.array(strata), bootstrap_samples=bootstrap_samples, seed=seed, chunk_weights=chunk_weights
    )
    return np.concatenate(list(chunks))


def test_every_stratum_keeps_its_weight_and_a_single_row_never_varies():
    weights = compute_weights([0, 1, 1, 2, 2, 2], 500)
    assert weights.shape == (500, 6)
    assert (weights[:, 0] == 1).all()
    assert np.allclose(weights[:, 1:3].sum(axis=1), 2) and np.allclose(weights[:, 3:].sum(axis=1), 3)
    assert set(weights[:, 1]) == {0.0, 2.0}  # one of two rows is sampled and counts for both
    assert np.allclose(sorted(set(weights[:, 3])), [0, 1.5, 3])


def test_samples_do_not_depend_on_the_chunk_size():
    strata = [0, 0, 1, 1, 1]
    whole = compute_weights(strata, 50)
    assert len(whole) == 50
    for chunk_weights in (1, 15, 245, 250):  # 1, 3, 49 and 50 at a time
        assert np.array_equal(whole, compute_weights(strata, 50, chunk_weights=chunk_weights))


@pytest.mark.parametrize("n", [2, 5, 40])
def test_the_variance_is_that_of_a_mean(n):
    values = np.random.default_rng(n).normal(size=n)
    means = compute_weights([0] * n, 20_000) @ values / n
    assert means.mean() == pytest.approx(values.mean(), abs=0.02)
    assert means.var() == pytest.approx(values.var(ddof=1) / n, rel=0.05)
