"""Folds and held-out species: each image is tested once, and each genus keeps a species."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin import lots
from tests.unit import dealt
from tests.unit.dealt import in_sizes, split


def in_folds(labels, groups, folds, **other):
    return [split(labels, groups, folds=folds, fold=fold, **other) for fold in range(1, folds + 1)]


@settings(max_examples=60, deadline=None)
@given(dealt.structures(), st.integers(2, 5), st.integers(1, 2))
def test_every_image_is_tested_in_one_fold_or_its_species_in_none(pairs, folds, least):
    labels, groups = dealt.images(pairs)
    tables = in_folds(labels, groups, folds, min_test_groups=least)
    tested, held_out = {}, {}
    for table in tables:
        dealt.assert_sound(labels, table)
        dealt.assert_reachable(labels, table, least=least)
        for uuid, side, reason in table.select("uuid", "split", "reason").rows():
            tested[uuid] = tested.get(uuid, 0) + (side == "test")
            held_out.setdefault(uuid, set()).add((side == "unseen", reason))
    for uuid, said in held_out.items():
        assert len(said) == 1  # the same in every fold
        assert tested[uuid] == (said == {(False, None)})


def test_folds_are_of_one_size_and_train_and_val_keep_their_ratio():
    for table in in_folds(*in_sizes({f"Aa {name}": [1] * 101 for name in "abcd"}), 5, unseen=0):
        counts = dict(table.group_by("split").len().iter_rows())
        assert 80 <= counts["test"] <= 84
        assert abs(counts["val"] - (404 - counts["test"]) * 0.15 / 0.65) <= 4


def test_the_odd_groups_of_many_species_are_not_all_in_one_fold():
    tables = in_folds(*in_sizes({f"Aa a{i:03}": [1] * 5 for i in range(200)}), 4, unseen=0, min_test_groups=1)
    assert all(210 <= len(table.filter(split="test")) <= 290 for table in tables)


def species(genera, able=True, unseen=False):
    """The species of so many genera, as `held_out` takes them."""
    rows = [(genus, i) for genus, n in genera.items() for i in range(n)]
    names = pl.Series([f"{genus} {i}" for genus, i in rows])
    return pl.DataFrame(
        {"species": range(len(rows)), "category": "Fish", "genus": [genus for genus, _ in rows]}
    ).with_columns(able=pl.lit(able), unseen=pl.lit(unseen), number=lots.draw(1, names))


def held_out_of(genera, share):
    table = species(genera)
    chosen = lots.held_out(table, share=share, by="genus")
    counts = table.filter(pl.col("species").is_in(chosen.implode())).group_by("genus").len()
    return dict(counts.iter_rows())


def test_held_out_species_are_spread_over_genera_and_each_keeps_one():
    assert held_out_of({"Aa": 10, "Bb": 10, "Cc": 10, "Dd": 1}, 0.3) == {"Aa": 3, "Bb": 3, "Cc": 3}
    assert held_out_of({"Aa": 2, "Bb": 2, "Cc": 2, "Dd": 1}, 0.9) == {"Aa": 1, "Bb": 1, "Cc": 1}
    assert sum(held_out_of(dict.fromkeys("abcdefghij", 3), 0.1).values()) == 3


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 12), min_size=1), st.floats(0, 0.9))
def test_a_genus_has_its_part_of_the_held_out_species_within_one(genera, share):
    found = held_out_of(genera, share)
    spare = {genus: n - 1 for genus, n in genera.items()}
    wanted = min(round(share * sum(genera.values())), sum(spare.values()))
    assert sum(found.values()) == wanted
    for genus, n in spare.items():
        part = wanted * n / max(sum(spare.values()), 1)
        assert abs(found.get(genus, 0) - part) < 1 + 1e-9


def test_species_that_are_held_out_already_count():
    table = species({"Aa": 10}).with_columns(unseen=pl.col("species") < 2, able=pl.col("species") >= 2)
    for by in ("category", "genus"):
        chosen = lots.held_out(table, share=0.3, by=by)
        assert len(chosen) == 1
        assert chosen[0] >= 2
