"""Paired comparisons: intervals, ranking, and what may not be compared."""

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.multitest import multipletests

from nearkin.comparison import paired
from nearkin.evaluation import query_scores
from nearkin.search import search
from nearkin.tables.scores import Differences
from tests.factories import random_study

KS = [1, 3]


def hits_of(seed, vectors_seed):
    labels, splits = random_study.study(seed)
    vectors_of = random_study.vectors_of(
        labels["uuid"], random_study.vectors(vectors_seed, len(labels), width=4)
    )
    found = search.search_protocol(
        splits, vectors_of, protocol="leave_one_out", depth=15, exclude_same_group=True
    )
    return (
        labels,
        splits,
        query_scores.score_queries(
            [found], labels, splits, exclude_same_group=True, protocols=["leave_one_out"], ks=KS, depth=15
        ),
    )


def compared(seed=1, **other):
    labels, splits, base = hits_of(seed, 1)
    *_, trained = hits_of(seed, 2)
    arguments = {"ks": KS, "min_queries": 4, "bootstrap_samples": 200, "seed": 1} | other
    counts = paired.count_training_images(labels, splits)
    return base, trained, paired.compare_models(base, trained, n_train=counts, **arguments)


def test_differences_are_those_of_the_hits():
    base, trained, table = compared()
    both = base.join(trained, on=["level", "uuid"], suffix="_trained")
    for row in table.filter(metric="recall").iter_rows(named=True):
        mine = both.filter(level=row["level"])
        if row["category"] != "all":
            mine = mine.filter(category=row["category"])
        if row["label"] != "all":
            mine = mine.filter(label=row["label"])
        before = (mine["first_relevant_rank"] <= row["k"]).fill_null(False).mean()
        after = (mine["first_relevant_rank_trained"] <= row["k"]).fill_null(False).mean()
        assert row["n_queries"] == len(mine)
        assert row["n_groups"] == mine["group_id"].n_unique()
        assert (row["base"], row["trained"]) == (pytest.approx(before), pytest.approx(after))
        assert row["diff_pp"] == pytest.approx(100 * (after - before))
        assert row["ci_low"] is None or row["ci_low"] - 1e-9 <= row["diff_pp"] <= row["ci_high"] + 1e-9


def test_the_same_bits_in_every_run_and_for_any_order_of_rows():
    labels, splits, base = hits_of(1, 1)
    *_, trained = hits_of(1, 2)
    counts = paired.count_training_images(labels, splits)
    settings = {"n_train": counts, "ks": KS, "min_queries": 4, "bootstrap_samples": 200, "seed": 1}
    key = Differences.primary_key()
    first = paired.compare_models(base, trained, **settings).sort(key)
    for seed in range(5):
        shuffled = [hits.sample(fraction=1, shuffle=True, seed=seed) for hits in (base, trained)]
        assert paired.compare_models(*shuffled, **settings).sort(key).equals(first)


def test_adjusted_p_values_equal_statsmodels():
    *_, table = compared(min_queries=4)
    ranked = table.filter("enough_queries", level="species", k=1)
    expected = multipletests(ranked["p_value"].to_numpy(), method="fdr_bh")[1]
    assert ranked["q_value_bh"].to_numpy() == pytest.approx(expected)
    assert (ranked["q_value_bh"] <= ranked["p_holm"] + 1e-12).all()


def test_only_labels_with_enough_queries_are_ranked():
    *_, table = compared(min_queries=4)
    ranked = table.filter("enough_queries")
    assert ranked["n_queries"].min() >= 4
    assert "all" not in ranked["label"]
    assert ranked["p_holm"].null_count() == 0
    assert (ranked["p_holm"] >= ranked["p_value"]).all()
    assert table.filter(~pl.col("enough_queries"))["p_holm"].null_count() == len(
        table.filter(~pl.col("enough_queries"))
    )


def test_a_genus_is_the_mean_of_its_species():
    *_, table = compared()
    species = table.filter(pl.col("label") != "all", level="species", k=1)
    assert len(table.filter(metric="genus_mean_of_species", k=1)) == 4
    for row in table.filter(metric="genus_mean_of_species", k=1).iter_rows(named=True):
        mine = species.filter(pl.col("label").str.starts_with(row["label"] + " "), category=row["category"])
        assert row["diff_pp"] == pytest.approx(mine["diff_pp"].mean())
        assert row["n_queries"] == mine["n_queries"].sum()


def test_models_with_different_queries_are_not_compared():
    labels, splits, base = hits_of(1, 1)
    counts = paired.count_training_images(labels, splits)
    with pytest.raises(ValueError, match="did not answer the same queries: 1 only by the base"):
        paired.compare_models(
            base, base[1:], n_train=counts, ks=KS, min_queries=4, bootstrap_samples=100, seed=1
        )


def test_no_change_at_all():
    labels, splits, base = hits_of(1, 1)
    counts = paired.count_training_images(labels, splits)
    table = paired.compare_models(
        base, base, n_train=counts, ks=KS, min_queries=4, bootstrap_samples=100, seed=1
    )
    assert set(table["diff_pp"]) == {0.0}
    assert set(table["p_value"].drop_nulls()) == {1.0}


def test_few_changes_are_never_certain():
    n_improved = [0, 3, 5, 0, 6, 40]
    n_worsened = [0, 0, 0, 2, 0, 0]
    n_groups = [40, 3, 5, 50, 50, 40]
    rose, fell, groups = map(np.array, (n_improved, n_worsened, n_groups))
    points = 100 * (rose - fell) / groups
    given = {"diff_pp": points, "ci_low": points - 1, "ci_high": points + 1}
    given |= {"n_improved": rose, "n_worsened": fell, "n_groups": groups}
    given["ci_low"][5] = given["ci_high"][5] = 100.0  # all improved alike: every resample is the same
    found = paired.widen_sparse_intervals(pl.DataFrame(given)).to_dicts()
    for few in found[:4]:
        assert few["ci_low"] <= 0 <= few["ci_high"] and few["ci_low"] <= few["diff_pp"] <= few["ci_high"]
    assert found[0]["ci_high"] == -found[0]["ci_low"] > 5
    assert (found[4]["ci_low"], found[4]["ci_high"]) == (11.0, 13.0)
    assert 80 < found[5]["ci_low"] < found[5]["ci_high"] == 100


def make_hits(rows):
    """Hits of two models at the species level, from rows (category, label, group, first hit of each)."""
    names = ["category", "label", "group_id", "base", "trained"]
    table = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        protocol=pl.lit("leave_one_out"), level=pl.lit("species"), uuid=pl.int_range(pl.len()).cast(pl.String)
    )
    key = ["protocol", "level", "uuid", "category", "label", "group_id"]
    return [table.select(*key, first_relevant_rank=model) for model in ("base", "trained")]


def random_rows(seed, n=60):
    rng = np.random.default_rng(seed)
    rows = []
    for group in range(n):
        label = f"Aa {'wxyz'[rng.integers(4)]}"
        for _ in range(rng.integers(1, 4)):
            first = [int(one) or None for one in rng.integers(0, 4, 2)]
            rows.append((["Bird", "Fish"][group % 2], label, f"g{group}", *first))
    return rows


NO_COUNTS = {"level": pl.String, "category": pl.String, "label": pl.String, "n_train": pl.Int64}


def table_of(rows, **other):
    settings = {"n_train": pl.DataFrame(schema=NO_COUNTS), "ks": [1, 3], "min_queries": 2} | other
    settings |= {"bootstrap_samples": 50, "seed": 1}
    return paired.compare_models(*make_hits(rows), **settings).filter(metric="recall")


@pytest.mark.parametrize(
    ("at_once", "weights_at_once"), [(1, 2**22), (600, 2**22), (2**25, 500), (2**25, 2**22)]
)
def test_intervals_are_those_of_drawn_units(monkeypatch, at_once, weights_at_once):
    monkeypatch.setattr(paired, "CHUNK_NUMBERS", at_once)
    monkeypatch.setattr(paired.intervals, "CHUNK_WEIGHTS", weights_at_once)
    rows = random_rows(1)
    base, trained = make_hits(rows)
    hits, strata = paired.add_resampling_units(base.with_columns(trained=trained["first_relevant_rank"]))
    weights = np.concatenate(
        list(paired.intervals.bootstrap_weights(strata, bootstrap_samples=50, seed=1, chunk_weights=2**20))
    )
    for row in table_of(rows).to_dicts():
        if row["n_queries"] < 40:
            continue
        mine = [
            (one["unit"], *((one[name] or 9) <= row["k"] for name in ("first_relevant_rank", "trained")))
            for one in hits.to_dicts()
            if row["category"] in ("all", one["category"]) and row["label"] in ("all", one["label"])
        ]
        unit, before, after = (np.array(column) for column in zip(*mine, strict=True))
        change = after.astype(float) - before
        samples = 100 * (weights[:, unit] @ change) / weights[:, unit].sum(axis=1)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(np.quantile(samples, [0.025, 0.975]))


def test_every_scope_counts_its_groups_and_its_changes():
    rows = [
        ("Bird", "Aa x", "g1", 1, 1),
        ("Bird", "Aa x", "g1", None, 2),
        ("Bird", "Aa x", "g2", 1, None),
        ("Bird", "Aa y", "g1", None, 1),  # the same group, once more for its other label
        ("Fish", "Aa x", "g3", None, None),
    ]
    table = table_of(rows).filter(k=1)
    names = ["n_queries", "n_groups", "base", "trained", "diff_pp", "enough_queries"]
    found = {(row["category"], row["label"]): tuple(row[name] for name in names) for row in table.to_dicts()}
    assert found == {
        ("all", "all"): (5, 3, pytest.approx(0.4), pytest.approx(0.4), 0.0, False),
        ("Bird", "all"): (4, 2, 0.5, 0.5, 0.0, False),
        ("Fish", "all"): (1, 1, 0.0, 0.0, 0.0, False),
        ("Bird", "Aa x"): (3, 2, pytest.approx(2 / 3), pytest.approx(1 / 3), pytest.approx(-100 / 3), True),
        ("Bird", "Aa y"): (1, 1, 0.0, 1.0, 100.0, False),
        ("Fish", "Aa x"): (1, 1, 0.0, 0.0, 0.0, False),
    }
    assert set(table["n_train"]) == {0}
    assert set(table_of(rows, min_queries=1).filter("enough_queries")["label"]) == {"Aa x", "Aa y"}


def slow_estimates(rows, category):
    """The labels of a category drawn to their mean by plain loops, and the degrees of freedom."""
    spread, free, points, n_groups = 0.0, 0, [], []
    for label in sorted({row[1] for row in rows if row[0] == category}):
        groups = {}
        for _, _, group, before, after in (one for one in rows if one[:2] == (category, label)):
            total, n = groups.get(group, (0, 0))
            groups[group] = total + int(after == 1) - int(before == 1), n + 1
        mean = sum(total for total, _ in groups.values()) / sum(n for _, n in groups.values())
        spread += sum((total / n - mean) ** 2 for total, n in groups.values())
        free += len(groups) - 1
        points.append(100 * mean)
        n_groups.append(len(groups))
    return paired.shrink(np.array(points), 100**2 * spread / free / np.array(n_groups)), free


def assert_drawn_to_the_mean(rows, category):
    table = table_of(rows).filter(pl.col("label") != "all", k=1, category=category)
    expected, free = slow_estimates(rows, category)
    assert table["diff_pp_shrunk"].to_numpy() == pytest.approx(expected)
    assert np.ptp(expected) > 5  # shrunk, but not fully
    assert not np.allclose(expected, table["diff_pp"], atol=0.1)
    return free


@pytest.mark.parametrize("category", ["Bird", "Fish"])
def test_labels_are_drawn_to_the_mean_of_their_category(category):
    rows = [row if row[1] in ("Aa x", "Aa y") else (*row[:3], None, 1) for row in random_rows(2)]
    assert assert_drawn_to_the_mean(rows, category) > 10
    assert table_of(rows).filter(k=1, label="all")["diff_pp_shrunk"].null_count() == 3


def test_the_spread_of_a_single_pair_of_groups_is_enough():
    firsts = [("x", None), ("x", 1), ("y", None), ("z", 1), ("w", None), ("v", 1)]
    rows = [("Bird", f"Aa {name}", f"g{i}", None, first) for i, (name, first) in enumerate(firsts)]
    rows[4] = (*rows[4][:3], 1, None)  # it fell
    assert assert_drawn_to_the_mean(rows, "Bird") == 1


def test_where_every_label_has_one_group_it_is_its_own_estimate():
    rows = [("Bird", f"Aa {name}", name, None, first) for name, first in (("x", 1), ("y", None), ("z", 1))]
    table = table_of(rows).filter(pl.col("label") != "all", k=1)
    assert table["diff_pp_shrunk"].to_list() == table["diff_pp"].to_list() == [100.0, 0.0, 100.0]


def test_intervals_of_few_changes_by_hand():
    counts = {"n_improved": [3, 2, 3, 3, 6], "n_worsened": [3, 3, 0, 0, 0], "n_groups": [10, 10, 3, 10, 6]}
    rose, fell, groups = (np.array(column) for column in counts.values())
    points = 100 * (rose - fell) / groups
    given = {"diff_pp": points, "ci_low": points - 3, "ci_high": points + 2}
    given["ci_low"][4] = given["ci_high"][4] = points[4]
    down, up = (100 * one for one in paired.intervals.newcombe_margins(rose, fell, groups))
    found = paired.widen_sparse_intervals(pl.DataFrame(given | counts))
    low, high = found["ci_low"].to_numpy(), found["ci_high"].to_numpy()
    assert (low[0], high[0]) == (-3.0, 2.0)  # six groups changed: as they were drawn
    assert (low[1], high[1]) == (pytest.approx(-10 - down[1]), pytest.approx(-10 + up[1]))
    assert low[1] < 0 < high[1]
    assert (low[2], high[2]) == (pytest.approx(min(0, 100 - down[2])), 100.0)
    assert (low[3], high[3]) == (pytest.approx(min(0, 30 - down[3])), pytest.approx(30 + up[3]))
    assert (low[4], high[4]) == (pytest.approx(100 - down[4]), 100.0) and low[4] > 0
    mirrored = paired.widen_sparse_intervals(
        pl.DataFrame(given | counts).with_columns(
            diff_pp=-pl.col("diff_pp"),
            ci_low=-pl.col("ci_high"),
            ci_high=-pl.col("ci_low"),
            n_improved="n_worsened",
            n_worsened="n_improved",
        )
    )
    assert np.allclose(mirrored["ci_low"], -high) and np.allclose(mirrored["ci_high"], -low)
    assert "n_improved" not in found.columns and "n_worsened" not in found.columns


def test_training_counts_by_hand():
    labels = random_study.labels_of(
        ["Aa x", "Aa x", "Aa y", "Aa x", "Bb z"], ["Fish", "Fish", "Fish", "Bird", "Bird"]
    )
    labels = labels.with_columns(species=pl.when(pl.col("species") != "Bb z").then("species"))
    more = (
        random_study.labels_of(["Cc z"] * 6, ["Bird"] * 6)
        .tail(1)
        .with_columns(species=pl.lit(None, pl.String))
    )
    labels = pl.concat([labels, more])
    splits = pl.DataFrame({"uuid": labels["uuid"], "split": [*["train"] * 4, "test", "train"]})
    counts = {row[:3]: row[3] for row in paired.count_training_images(labels, splits).iter_rows()}
    assert counts == {
        **{(level, "all", "all"): n for level, n in (("category", 5), ("genus", 5), ("species", 4))},
        **{(level, "Fish", "all"): 3 for level in ("category", "genus", "species")},
        **{(level, "Bird", "all"): n for level, n in (("category", 2), ("genus", 2), ("species", 1))},
        ("category", "Fish", "Fish"): 3,
        ("category", "Bird", "Bird"): 2,
        ("genus", "Bird", "Cc"): 1,
        ("genus", "Fish", "Aa"): 3,
        ("genus", "Bird", "Aa"): 1,
        ("species", "Fish", "Aa x"): 2,
        ("species", "Fish", "Aa y"): 1,
        ("species", "Bird", "Aa x"): 1,
    }


def test_queries_of_the_trained_model_alone_are_counted_too():
    base, trained = make_hits([("Bird", "Aa x", "g", 1, 1)] * 3)
    keys = ["protocol", "level", "uuid"]
    with pytest.raises(ValueError, match="1 only by the base, 2 only by the trained, the first is .*'0'"):
        paired.check_same_queries(base.head(1).select(keys), trained.tail(2).select(keys))
    with pytest.raises(ValueError, match="0 only by the base, 1 only by the trained"):
        paired.check_same_queries(base.head(2).select(keys), trained.select(keys))


def test_where_few_groups_changed_the_interval_is_that_of_the_shares():
    """Of five groups of x two rose, by one and by two queries, and one fell; of seven of y all rose."""
    rows = [("Bird", "Aa x", "g1", None, 1), ("Bird", "Aa x", "g1", None, 1), ("Bird", "Aa x", "g2", None, 1)]
    rows += [
        ("Bird", "Aa x", "g3", 1, None),
        ("Bird", "Aa x", "g4", 1, 1),
        ("Bird", "Aa x", "g5", None, None),
    ]
    table = table_of(rows).filter(label="Aa x", k=1)
    down, up = paired.intervals.newcombe_margins(np.array([2]), np.array([1]), np.array([5]))
    points = 100 * 2 / 6
    assert table.select("diff_pp", "ci_low", "ci_high").row(0) == (
        pytest.approx(points),
        pytest.approx(min(0, points - 100 * down[0])),
        pytest.approx(points + 100 * up[0]),
    )
    turned = [(*row[:3], row[4], row[3]) for row in rows]
    [low], [high] = table_of(turned).filter(label="Aa x", k=1).select("ci_low", "ci_high").to_dict().values()
    assert (low, high) == (pytest.approx(-table["ci_high"][0]), pytest.approx(-table["ci_low"][0]))


def test_an_interval_of_half_a_point_is_no_flat_one():
    given = {
        "diff_pp": [50.0],
        "ci_low": [49.75],
        "ci_high": [50.25],
        "n_improved": [6],
        "n_worsened": [0],
        "n_groups": [12],
    }
    assert paired.widen_sparse_intervals(pl.DataFrame(given)).select("ci_low", "ci_high").row(0) == (
        49.75,
        50.25,
    )


def test_scopes_come_from_the_whole_to_its_parts():
    rows = [
        (category, label, f"{category} {label} {i}", 1, None)
        for category in "EBDAC"
        for label in "yzx"
        for i in (1, 2)
    ]
    table = table_of(rows, min_queries=2)
    scopes = [
        ("all", "all"),
        *((one, "all") for one in "ABCDE"),
        *((one, label) for one in "ABCDE" for label in "xyz"),
    ]
    assert table.select("category", "label").rows() == scopes * 2
    assert table["k"].to_list() == [1] * len(scopes) + [3] * len(scopes)
    assert table_of(rows, min_queries=3)["enough_queries"].sum() == 0
