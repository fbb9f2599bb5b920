"""Paired comparisons: intervals, ranking, and models that may not be compared."""

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.multitest import multipletests

from nearkin.comparison import paired
from nearkin.evaluation import bootstrap, query_scores
from nearkin.search import search
from nearkin.tables.scores import Differences
from tests.factories import random_study

KS = [1, 3]


def score_random_study(seed, vectors_seed):
    labels, splits = random_study.study(seed)
    vectors_of = random_study.vectors_of(
        labels["uuid"], random_study.vectors(vectors_seed, len(labels), width=4)
    )
    neighbours = search.search_protocol(
        splits, vectors_of, protocol="leave_one_out", depth=15, exclude_same_group=True
    )
    return (
        labels,
        splits,
        query_scores.score_queries(
            [neighbours],
            labels,
            splits,
            exclude_same_group=True,
            protocols=["leave_one_out"],
            ks=KS,
            depth=15,
        ),
    )


def compare_random_models(seed=1, **other):
    labels, splits, base = score_random_study(seed, 1)
    *_, trained = score_random_study(seed, 2)
    arguments = {"ks": KS, "min_queries": 4, "bootstrap_samples": 200, "seed": 1} | other
    counts = paired.count_training_images(labels, splits)
    return base, trained, paired.compare_models(base, trained, n_train=counts, **arguments)


def test_differences_equal_those_of_the_hits():
    base, trained, table = compare_random_models()
    both = base.join(trained, on=["level", "uuid"], suffix="_trained")
    for row in table.filter(metric="recall").iter_rows(named=True):
        in_scope = both.filter(level=row["level"])
        if row["category"] != "all":
            in_scope = in_scope.filter(category=row["category"])
        if row["label"] != "all":
            in_scope = in_scope.filter(label=row["label"])
        before = (in_scope["first_relevant_rank"] <= row["k"]).fill_null(False).mean()
        after = (in_scope["first_relevant_rank_trained"] <= row["k"]).fill_null(False).mean()
        assert row["n_queries"] == len(in_scope)
        assert row["n_groups"] == in_scope["group_id"].n_unique()
        assert (row["base"], row["trained"]) == (pytest.approx(before), pytest.approx(after))
        assert row["diff_pp"] == pytest.approx(100 * (after - before))
        assert row["ci_low"] is None or row["ci_low"] - 1e-9 <= row["diff_pp"] <= row["ci_high"] + 1e-9


def test_runs_and_row_order_change_no_bit():
    labels, splits, base = score_random_study(1, 1)
    *_, trained = score_random_study(1, 2)
    counts = paired.count_training_images(labels, splits)
    settings = {"n_train": counts, "ks": KS, "min_queries": 4, "bootstrap_samples": 200, "seed": 1}
    key = Differences.primary_key()
    first = paired.compare_models(base, trained, **settings).sort(key)
    for seed in range(5):
        shuffled = [hits.sample(fraction=1, shuffle=True, seed=seed) for hits in (base, trained)]
        assert paired.compare_models(*shuffled, **settings).sort(key).equals(first)


def test_adjusted_p_values_equal_statsmodels():
    *_, table = compare_random_models(min_queries=4)
    ranked = table.filter("enough_queries", level="species", k=1)
    expected = multipletests(ranked["p_value"].to_numpy(), method="fdr_bh")[1]
    assert ranked["q_value_bh"].to_numpy() == pytest.approx(expected)
    assert (ranked["q_value_bh"] <= ranked["p_holm"] + 1e-12).all()


def test_only_labels_with_enough_queries_are_ranked():
    *_, table = compare_random_models(min_queries=4)
    ranked = table.filter("enough_queries")
    assert ranked["n_queries"].min() >= 4
    assert "all" not in ranked["label"]
    assert ranked["p_holm"].null_count() == 0
    assert (ranked["p_holm"] >= ranked["p_value"]).all()
    assert table.filter(~pl.col("enough_queries"))["p_holm"].null_count() == len(
        table.filter(~pl.col("enough_queries"))
    )


def test_a_genus_is_the_mean_of_its_species():
    *_, table = compare_random_models()
    species = table.filter(pl.col("label") != "all", level="species", k=1)
    assert len(table.filter(metric="genus_mean_of_species", k=1)) == 4
    for row in table.filter(metric="genus_mean_of_species", k=1).iter_rows(named=True):
        of_genus = species.filter(
            pl.col("label").str.starts_with(row["label"] + " "), category=row["category"]
        )
        assert row["diff_pp"] == pytest.approx(of_genus["diff_pp"].mean())
        assert row["n_queries"] == of_genus["n_queries"].sum()


def test_models_with_different_queries_are_not_compared():
    labels, splits, base = score_random_study(1, 1)
    counts = paired.count_training_images(labels, splits)
    with pytest.raises(ValueError, match="did not answer the same queries: 1 only by the base"):
        paired.compare_models(
            base, base[1:], n_train=counts, ks=KS, min_queries=4, bootstrap_samples=100, seed=1
        )


def test_equal_models_have_no_difference():
    labels, splits, base = score_random_study(1, 1)
    counts = paired.count_training_images(labels, splits)
    table = paired.compare_models(
        base, base, n_train=counts, ks=KS, min_queries=4, bootstrap_samples=100, seed=1
    )
    assert set(table["diff_pp"]) == {0.0}
    assert set(table["p_value"].drop_nulls()) == {1.0}


def test_few_changes_have_wide_intervals():
    n_improved = [0, 3, 5, 0, 6, 40]
    n_worsened = [0, 0, 0, 2, 0, 0]
    n_groups = [40, 3, 5, 50, 50, 40]
    improved, worsened, groups = map(np.array, (n_improved, n_worsened, n_groups))
    diff_pp = 100 * (improved - worsened) / groups
    differences = {"diff_pp": diff_pp, "ci_low": diff_pp - 1, "ci_high": diff_pp + 1}
    differences |= {"n_improved": improved, "n_worsened": worsened, "n_groups": groups}
    differences["ci_low"][5] = differences["ci_high"][5] = (
        100.0  # all improved alike: every resample is the same
    )
    rows = paired.widen_sparse_intervals(pl.DataFrame(differences)).to_dicts()
    for row in rows[:4]:
        assert row["ci_low"] <= 0 <= row["ci_high"] and row["ci_low"] <= row["diff_pp"] <= row["ci_high"]
    assert rows[0]["ci_high"] == -rows[0]["ci_low"] > 5
    assert (rows[4]["ci_low"], rows[4]["ci_high"]) == (11.0, 13.0)
    assert 80 < rows[5]["ci_low"] < rows[5]["ci_high"] == 100


def make_hits(rows):
    """Hits of two models at the species level, from rows (category, label, group, first hit of each)."""
    names = ["category", "label", "group_id", "base", "trained"]
    table = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        protocol=pl.lit("leave_one_out"), level=pl.lit("species"), uuid=pl.int_range(pl.len()).cast(pl.String)
    )
    key = ["protocol", "level", "uuid", "category", "label", "group_id"]
    return [table.select(*key, first_relevant_rank=model) for model in ("base", "trained")]


def make_random_rows(seed, n=60):
    rng = np.random.default_rng(seed)
    rows = []
    for group in range(n):
        label = f"Aa {'wxyz'[rng.integers(4)]}"
        for _ in range(rng.integers(1, 4)):
            ranks = [int(rank) or None for rank in rng.integers(0, 4, 2)]
            rows.append((["Bird", "Fish"][group % 2], label, f"g{group}", *ranks))
    return rows


NO_COUNTS = {"level": pl.String, "category": pl.String, "label": pl.String, "n_train": pl.Int64}


def compare_rows(rows, **other):
    settings = {"n_train": pl.DataFrame(schema=NO_COUNTS), "ks": [1, 3], "min_queries": 2} | other
    settings |= {"bootstrap_samples": 50, "seed": 1}
    return paired.compare_models(*make_hits(rows), **settings).filter(metric="recall")


@pytest.mark.parametrize(
    ("chunk_numbers", "chunk_weights"), [(1, 2**22), (600, 2**22), (2**25, 500), (2**25, 2**22)]
)
def test_intervals_equal_those_of_resampled_units(monkeypatch, chunk_numbers, chunk_weights):
    monkeypatch.setattr(paired, "CHUNK_NUMBERS", chunk_numbers)
    monkeypatch.setattr(bootstrap, "CHUNK_WEIGHTS", chunk_weights)
    rows = make_random_rows(1)
    base, trained = make_hits(rows)
    hits, strata = paired.add_resampling_units(base.with_columns(trained=trained["first_relevant_rank"]))
    weights = np.concatenate(
        list(bootstrap.bootstrap_weights(strata, bootstrap_samples=50, seed=1, chunk_weights=2**20))
    )
    for row in compare_rows(rows).to_dicts():
        if row["n_queries"] < 40:
            continue
        changes_in_scope = [
            (hit["unit"], *((hit[name] or 9) <= row["k"] for name in ("first_relevant_rank", "trained")))
            for hit in hits.to_dicts()
            if row["category"] in ("all", hit["category"]) and row["label"] in ("all", hit["label"])
        ]
        unit, before, after = (np.array(column) for column in zip(*changes_in_scope, strict=True))
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
    table = compare_rows(rows).filter(k=1)
    names = ["n_queries", "n_groups", "base", "trained", "diff_pp", "enough_queries"]
    scopes = {(row["category"], row["label"]): tuple(row[name] for name in names) for row in table.to_dicts()}
    assert scopes == {
        ("all", "all"): (5, 3, pytest.approx(0.4), pytest.approx(0.4), 0.0, False),
        ("Bird", "all"): (4, 2, 0.5, 0.5, 0.0, False),
        ("Fish", "all"): (1, 1, 0.0, 0.0, 0.0, False),
        ("Bird", "Aa x"): (3, 2, pytest.approx(2 / 3), pytest.approx(1 / 3), pytest.approx(-100 / 3), True),
        ("Bird", "Aa y"): (1, 1, 0.0, 1.0, 100.0, False),
        ("Fish", "Aa x"): (1, 1, 0.0, 0.0, 0.0, False),
    }
    assert set(table["n_train"]) == {0}
    assert set(compare_rows(rows, min_queries=1).filter("enough_queries")["label"]) == {"Aa x", "Aa y"}


def shrink_slowly(rows, category):
    """The labels of a category shrunk to their mean by plain loops, and the degrees of freedom."""
    sum_of_squares, degrees_of_freedom, diff_pp, n_groups = 0.0, 0, [], []
    for label in sorted({row[1] for row in rows if row[0] == category}):
        groups = {}
        for _, _, group, before, after in (row for row in rows if row[:2] == (category, label)):
            total, n = groups.get(group, (0, 0))
            groups[group] = total + int(after == 1) - int(before == 1), n + 1
        mean = sum(total for total, _ in groups.values()) / sum(n for _, n in groups.values())
        sum_of_squares += sum((total / n - mean) ** 2 for total, n in groups.values())
        degrees_of_freedom += len(groups) - 1
        diff_pp.append(100 * mean)
        n_groups.append(len(groups))
    return paired.shrink(
        np.array(diff_pp), 100**2 * sum_of_squares / degrees_of_freedom / np.array(n_groups)
    ), degrees_of_freedom


def assert_shrunk_to_the_mean(rows, category):
    table = compare_rows(rows).filter(pl.col("label") != "all", k=1, category=category)
    expected, degrees_of_freedom = shrink_slowly(rows, category)
    assert table["diff_pp_shrunk"].to_numpy() == pytest.approx(expected)
    assert np.ptp(expected) > 5  # shrunk, but not fully
    assert not np.allclose(expected, table["diff_pp"], atol=0.1)
    return degrees_of_freedom


@pytest.mark.parametrize("category", ["Bird", "Fish"])
def test_labels_shrink_to_the_mean_of_their_category(category):
    rows = [row if row[1] in ("Aa x", "Aa y") else (*row[:3], None, 1) for row in make_random_rows(2)]
    assert assert_shrunk_to_the_mean(rows, category) > 10
    assert compare_rows(rows).filter(k=1, label="all")["diff_pp_shrunk"].null_count() == 3


def test_one_label_with_two_groups_suffices_for_shrinkage():
    firsts = [("x", None), ("x", 1), ("y", None), ("z", 1), ("w", None), ("v", 1)]
    rows = [("Bird", f"Aa {name}", f"g{i}", None, first) for i, (name, first) in enumerate(firsts)]
    rows[4] = (*rows[4][:3], 1, None)  # it worsened
    assert assert_shrunk_to_the_mean(rows, "Bird") == 1


def test_labels_of_one_group_each_are_not_shrunk():
    rows = [("Bird", f"Aa {name}", name, None, first) for name, first in (("x", 1), ("y", None), ("z", 1))]
    table = compare_rows(rows).filter(pl.col("label") != "all", k=1)
    assert table["diff_pp_shrunk"].to_list() == table["diff_pp"].to_list() == [100.0, 0.0, 100.0]


def test_intervals_of_few_changes_equal_those_by_hand():
    counts = {"n_improved": [3, 2, 3, 3, 6], "n_worsened": [3, 3, 0, 0, 0], "n_groups": [10, 10, 3, 10, 6]}
    improved, worsened, groups = (np.array(column) for column in counts.values())
    diff_pp = 100 * (improved - worsened) / groups
    differences = {"diff_pp": diff_pp, "ci_low": diff_pp - 3, "ci_high": diff_pp + 2}
    differences["ci_low"][4] = differences["ci_high"][4] = diff_pp[4]
    down, up = (100 * margin for margin in paired.intervals.newcombe_margins(improved, worsened, groups))
    widened = paired.widen_sparse_intervals(pl.DataFrame(differences | counts))
    low, high = widened["ci_low"].to_numpy(), widened["ci_high"].to_numpy()
    assert (low[0], high[0]) == (-3.0, 2.0)  # six groups changed: the bootstrap interval stays
    assert (low[1], high[1]) == (pytest.approx(-10 - down[1]), pytest.approx(-10 + up[1]))
    assert low[1] < 0 < high[1]
    assert (low[2], high[2]) == (pytest.approx(min(0, 100 - down[2])), 100.0)
    assert (low[3], high[3]) == (pytest.approx(min(0, 30 - down[3])), pytest.approx(30 + up[3]))
    assert (low[4], high[4]) == (pytest.approx(100 - down[4]), 100.0) and low[4] > 0
    mirrored = paired.widen_sparse_intervals(
        pl.DataFrame(differences | counts).with_columns(
            diff_pp=-pl.col("diff_pp"),
            ci_low=-pl.col("ci_high"),
            ci_high=-pl.col("ci_low"),
            n_improved="n_worsened",
            n_worsened="n_improved",
        )
    )
    assert np.allclose(mirrored["ci_low"], -high) and np.allclose(mirrored["ci_high"], -low)
    assert "n_improved" not in widened.columns and "n_worsened" not in widened.columns


def test_training_counts_equal_those_by_hand():
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


def test_queries_only_of_the_trained_model_are_counted():
    base, trained = make_hits([("Bird", "Aa x", "g", 1, 1)] * 3)
    keys = ["protocol", "level", "uuid"]
    with pytest.raises(ValueError, match="1 only by the base, 2 only by the trained, the first is .*'0'"):
        paired.check_same_queries(base.head(1).select(keys), trained.tail(2).select(keys))
    with pytest.raises(ValueError, match="0 only by the base, 1 only by the trained"):
        paired.check_same_queries(base.head(2).select(keys), trained.select(keys))


def test_few_changed_groups_have_newcombes_interval():
    """Of five groups two improved, by one and by two queries, and one worsened."""
    rows = [("Bird", "Aa x", "g1", None, 1), ("Bird", "Aa x", "g1", None, 1), ("Bird", "Aa x", "g2", None, 1)]
    rows += [
        ("Bird", "Aa x", "g3", 1, None),
        ("Bird", "Aa x", "g4", 1, 1),
        ("Bird", "Aa x", "g5", None, None),
    ]
    table = compare_rows(rows).filter(label="Aa x", k=1)
    down, up = paired.intervals.newcombe_margins(np.array([2]), np.array([1]), np.array([5]))
    diff_pp = 100 * 2 / 6
    assert table.select("diff_pp", "ci_low", "ci_high").row(0) == (
        pytest.approx(diff_pp),
        pytest.approx(min(0, diff_pp - 100 * down[0])),
        pytest.approx(diff_pp + 100 * up[0]),
    )
    reversed_rows = [(*row[:3], row[4], row[3]) for row in rows]
    [low], [high] = (
        compare_rows(reversed_rows).filter(label="Aa x", k=1).select("ci_low", "ci_high").to_dict().values()
    )
    assert (low, high) == (pytest.approx(-table["ci_high"][0]), pytest.approx(-table["ci_low"][0]))


def test_an_interval_of_half_a_percentage_point_is_kept():
    differences = {
        "diff_pp": [50.0],
        "ci_low": [49.75],
        "ci_high": [50.25],
        "n_improved": [6],
        "n_worsened": [0],
        "n_groups": [12],
    }
    assert paired.widen_sparse_intervals(pl.DataFrame(differences)).select("ci_low", "ci_high").row(0) == (
        49.75,
        50.25,
    )


def test_scopes_are_sorted_from_all_to_labels():
    rows = [
        (category, label, f"{category} {label} {i}", 1, None)
        for category in "EBDAC"
        for label in "yzx"
        for i in (1, 2)
    ]
    table = compare_rows(rows, min_queries=2)
    scopes = [
        ("all", "all"),
        *((category, "all") for category in "ABCDE"),
        *((category, label) for category in "ABCDE" for label in "xyz"),
    ]
    assert table.select("category", "label").rows() == scopes * 2
    assert table["k"].to_list() == [1] * len(scopes) + [3] * len(scopes)
    assert compare_rows(rows, min_queries=3)["enough_queries"].sum() == 0
