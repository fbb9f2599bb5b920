"""Cells: queries added up by label and unit, and the strata that units are drawn from."""

import numpy as np
import polars as pl

from nearkin.evaluation.bootstrap import LabelGroupSums, add_resampling_units, bootstrap_sums


def hits_of(rows):
    """Hits from rows (uuid, level, category, label, group)."""
    return pl.DataFrame(rows, schema=["uuid", "level", "category", "label", "group_id"], orient="row")


def species(rows):
    return hits_of([(str(i), "species", *row) for i, row in enumerate(rows)])


def strata_of(hits):
    """The stratum of each unit: {(category, finest, group): number}, with their sizes."""
    hits, strata = add_resampling_units(hits)
    units = hits.select("category", "finest", "group_id", "unit").unique().sort("unit")
    assert units["unit"].to_list() == list(range(len(strata)))
    return {row[:3]: int(strata[row[3]]) for row in units.iter_rows()}


def test_units_that_are_alone_share_a_stratum_per_category_and_two_do_not():
    found = strata_of(
        species(
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
    assert found["Bird", "Bb y", "9"] == found["Bird", "Cc z", "4"]
    assert found["Bird", "Aa x", "1"] == found["Bird", "Aa x", "2"]
    assert len({found["Fish", "Ee v", group] for group in "678"}) == 1
    assert len(set(found.values())) == 4
    alone = [("Bird", "Bb y", "9"), ("Bird", "Cc z", "4")]  # by species, then by group
    assert list(found)[:4] == [*alone, ("Bird", "Aa x", "1"), ("Bird", "Aa x", "2")]
    assert list(found.values()) == sorted(found.values())  # as `bootstrap_weights` wants them


def test_one_species_name_in_two_categories_is_two_species():
    found = strata_of(species([(category, "Aa x", group) for category in ("Bird", "Fish") for group in "12"]))
    assert len(found) == 4 and len(set(found.values())) == 2


def test_a_unit_is_a_group_within_the_finest_label():
    rows = [
        ("a", "genus", "Bird", "Aa", "1"),
        ("a", "species", "Bird", "Aa x", "1"),
        ("a", "category", "Bird", "Bird", "1"),
        ("b", "genus", "Bird", "Aa", "1"),  # no species: a unit of its genus
        ("c", "genus", "Bird", "Aa", "2"),
    ]
    hits, strata = add_resampling_units(hits_of(rows))
    finest = dict(hits.select("uuid", "finest").iter_rows())
    assert finest == {"a": "Aa x", "b": "Aa", "c": "Aa"}
    assert hits["uuid"].to_list() == [row[0] for row in rows]
    assert len(strata) == 3 and len(set(strata)) == 2


def test_sums_over_drawn_units_are_those_of_their_rows():
    """Two labels over three units: unit 0 has both labels."""
    rows = [("Bird", "x", 0, 1.0), ("Bird", "x", 1, 2.0), ("Bird", "x", 1, 4.0), ("Bird", "y", 0, 8.0)]
    hits = pl.DataFrame(
        rows + [("Fish", "x", 2, 16.0)], schema=["category", "label", "unit", "v"], orient="row"
    )
    hits = hits.with_columns(pl.col("unit").cast(pl.UInt32))
    cells = LabelGroupSums(hits, [pl.col("v")])
    assert cells.labels.rows() == [("Bird", "x"), ("Bird", "y"), ("Fish", "x")]
    assert cells.values.tolist() == [[1, 1], [2, 6], [1, 8], [1, 16]]
    sums = cells.matrix(3) @ np.array([1.0, 10.0, 100.0])
    assert sums.reshape(3, 2).tolist() == [[21, 61], [1, 8], [100, 1600]]


def test_several_cells_are_drawn_together():
    rows = [("Bird", "x", unit, float(unit)) for unit in range(4)]
    hits = pl.DataFrame(rows, schema=["category", "label", "unit", "v"], orient="row")
    hits = hits.with_columns(pl.col("unit").cast(pl.UInt32))
    pair = [LabelGroupSums(hits, [pl.col("v")]), LabelGroupSums(hits, [2 * pl.col("v"), pl.col("v")])]
    drawn = list(bootstrap_sums(pair, np.zeros(4, dtype=np.int64), bootstrap_samples=20, seed=1))
    one, two = (np.concatenate(parts, axis=-1) for parts in zip(*drawn, strict=True))
    assert one.shape == (1, 2, 20) and two.shape == (1, 3, 20)
    assert np.allclose(one[:, 0], 4) and np.array_equal(two[:, 1], 2 * one[:, 1])
    assert np.array_equal(two[:, 2], one[:, 1]) and len(np.unique(one[:, 1])) > 2
