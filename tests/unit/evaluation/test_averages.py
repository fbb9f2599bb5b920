"""Hits and recall compared with the reference study's plain loops and with tables worked out by hand."""

import math
from collections import defaultdict

import numpy as np
import polars as pl
import pytest

from nearkin.evaluation import query_scores
from nearkin.evaluation.averages import compute_metrics
from nearkin.evaluation.intervals import wilson
from nearkin.search import search
from nearkin.vocabulary import PROTOCOL_SPLITS
from tests.factories import random_study
from tests.factories.scores import counted_hits

KS = [1, 3, 10]


def score_study(seed, exclude_same_group=True, levels=None):
    labels, splits = random_study.study(seed)
    vectors_of = random_study.vectors_of(
        labels["uuid"], random_study.vectors(seed, len(labels), width=4, levels=levels)
    )
    neighbours = pl.concat(
        search.search_protocol(
            splits, vectors_of, protocol=protocol, depth=15, exclude_same_group=exclude_same_group
        )
        for protocol in PROTOCOL_SPLITS
    )
    return (
        labels,
        splits,
        neighbours,
        query_scores.score_queries(
            [neighbours],
            labels,
            splits,
            exclude_same_group=exclude_same_group,
            protocols=PROTOCOL_SPLITS,
            ks=KS,
            depth=15,
        ),
    )


def compute_with_loops(labels, splits, neighbours, protocol, exclude_same_group):
    """The study's numbers, query by query: {(level, average, label, k): value}."""
    rows = {row["uuid"]: row for row in labels.join(splits, on="uuid").to_dicts()}
    query_split, gallery_split = PROTOCOL_SPLITS[protocol]
    nearest = defaultdict(list)
    for row in neighbours.filter(protocol=protocol).sort("rank").to_dicts():
        nearest[row["query"]].append(row["neighbour"])
    values = {}
    for k in KS:
        species_hits, genus_hits = defaultdict(list), defaultdict(list)
        reachable = []
        for uuid, row in rows.items():
            if row["split"] != query_split:
                continue
            hit = any(rows[other]["species"] == row["species"] for other in nearest[uuid][:k])
            species_hits[row["category"], row["species"]].append(hit)
            neighbour_rows = (rows[other] for other in nearest[uuid][:k])
            genus_hits[row["category"], row["genus"]].append(
                any(o["genus"] == row["genus"] and o["category"] == row["category"] for o in neighbour_rows)
            )
            reachable_images = [
                other
                for other, candidate in rows.items()
                if candidate["split"] == gallery_split
                and candidate["species"] == row["species"]
                and other != uuid
                and not (exclude_same_group and candidate["group_id"] == row["group_id"])
            ]
            if reachable_images:
                reachable.append(hit)
        all_hits = [hit for hits in species_hits.values() for hit in hits]
        values["species", "micro", "all", k] = sum(all_hits) / len(all_hits)
        means = [sum(hits) / len(hits) for hits in species_hits.values()]
        values["species", "macro", "all", k] = sum(means) / len(means)
        values["species", "reachable", "all", k] = sum(reachable) / len(reachable)
        by_genus = defaultdict(list)
        for (category, species), hits in species_hits.items():
            values["species", "per_label", f"{category}/{species}", k] = sum(hits) / len(hits)
            by_genus[category, species.split(" ")[0]].append(sum(hits) / len(hits))
        for (category, genus), recalls in by_genus.items():
            values["genus", "mean_of_species", f"{category}/{genus}", k] = sum(recalls) / len(recalls)
        for (category, genus), hits in genus_hits.items():
            values["genus", "per_label", f"{category}/{genus}", k] = sum(hits) / len(hits)
    return values


def flatten_table(table, protocol):
    """The same numbers, from our table."""
    values = {}
    metrics = pl.col("metric").is_in(["recall", "genus_mean_of_species"])
    for row in table.filter(metrics, protocol=protocol).to_dicts():
        label = f"{row['category']}/{row['label']}" if row["label"] != "all" else row["category"]
        average = row["average"]
        if row["metric"] == "genus_mean_of_species":
            average = "mean_of_species"
        elif row["query_subset"] == "reachable":
            average = "reachable" if row["average"] == "micro" else "other"
        values[row["level"], average, label, row["k"]] = row["value"]
    return values


@pytest.mark.parametrize("exclude_same_group", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_recall_equals_the_plain_loops(seed, exclude_same_group):
    labels, splits, neighbours, hits = score_study(seed, exclude_same_group, levels=2 if seed % 2 else None)
    table = compute_metrics(hits, ks=KS, depth=15, bootstrap_samples=100, seed=1)
    for protocol in PROTOCOL_SPLITS:
        expected, ours = (
            compute_with_loops(labels, splits, neighbours, protocol, exclude_same_group),
            flatten_table(table, protocol),
        )
        assert len(expected) > 30
        for key, value in expected.items():
            assert ours[key] == pytest.approx(value, abs=1e-12), (protocol, key)


def test_metrics_equal_a_table_worked_out_by_hand():
    labels = random_study.labels_of(["Aa x", "Aa x", "Aa y", "Bb z"])
    a, b, c, d = labels["uuid"]
    splits = pl.DataFrame(
        {"uuid": [a, b, c, d], "split": ["test"] * 4, "group_id": [a, b, c, d], "reason": [None] * 4}
    )
    neighbours = pl.DataFrame(
        {
            "protocol": "leave_one_out",
            "query": [a, a, b, b, c, c, d, d],
            "rank": [1, 2] * 4,
            "neighbour": [c, b, a, c, d, a, a, b],
            "similarity": [0.9, 0.8] * 4,
        }
    ).with_columns(pl.col("rank").cast(pl.Int32))
    hits = query_scores.score_queries(
        [neighbours], labels, splits, exclude_same_group=True, protocols=["leave_one_out"], ks=[1, 2], depth=2
    )
    table = compute_metrics(hits, ks=[1, 2], depth=2, bootstrap_samples=100, seed=1)

    def value(**scope):
        scope = {"metric": "recall", "average": "micro", "query_subset": "all", "label": "all"} | scope
        return (
            table.filter(pl.col("category") == "all", **scope)
            .select("value", "n_queries", "n_unreachable")
            .row(0)
        )

    # Species x: a finds b second, b finds a first. y and z have no other image: unreachable.
    assert value(level="species", k=1) == (0.25, 4, 2)
    assert value(level="species", k=2) == (0.5, 4, 2)
    assert value(level="species", k=2, query_subset="reachable") == (1.0, 2, 2)
    assert value(level="species", k=2, average="macro") == (pytest.approx(1 / 3), 4, 2)
    # Genus Aa: a, b and c; c finds d first and a second. Bb cannot hit.
    assert value(level="genus", k=1) == (0.5, 4, 1)
    assert value(level="genus", k=2) == (0.75, 4, 1)
    means = table.filter(metric="genus_mean_of_species", label="Aa", k=2)
    assert means["value"].to_list() == [0.5]  # species x 1.0, species y 0.0


def test_intervals_contain_the_value_in_any_row_order():
    *_, hits = score_study(5)
    table = compute_metrics(hits, ks=KS, depth=15, bootstrap_samples=300, seed=1)
    again = compute_metrics(hits.reverse(), ks=KS, depth=15, bootstrap_samples=300, seed=1)
    assert table.sort(table.columns).equals(again.sort(table.columns))
    within = table.filter(pl.col("ci_low").is_not_null())
    assert (within["ci_low"] <= within["value"] + 1e-12).all()
    assert (within["ci_high"] >= within["value"] - 1e-12).all()


def test_no_reachable_query_is_null_not_zero():
    labels = random_study.labels_of(["Aa x", "Bb y"])
    a, b = labels["uuid"]
    splits = pl.DataFrame({"uuid": [a, b], "split": ["test"] * 2, "group_id": [a, b], "reason": [None] * 2})
    neighbours = pl.DataFrame(
        {
            "protocol": "leave_one_out",
            "query": [a, b],
            "rank": [1, 1],
            "neighbour": [b, a],
            "similarity": [0.5] * 2,
        }
    ).with_columns(pl.col("rank").cast(pl.Int32))
    hits = query_scores.score_queries(
        [neighbours], labels, splits, exclude_same_group=True, protocols=["leave_one_out"], ks=[1], depth=2
    )
    table = compute_metrics(hits, ks=[1], depth=2, bootstrap_samples=100, seed=1)
    row = table.filter(level="species", average="micro", query_subset="reachable", category="all").row(
        0, named=True
    )
    assert (row["value"], row["n_queries"], row["n_unreachable"], row["null_reason"]) == (
        None,
        0,
        2,
        "no queries",
    )
    assert not any(math.isnan(value) for value in table["value"].drop_nulls())


def test_a_study_without_queries_is_an_error():
    labels = random_study.labels_of(["Aa x"])
    splits = pl.DataFrame(
        {"uuid": labels["uuid"], "split": ["train"], "group_id": labels["uuid"], "reason": [None]}
    )
    neighbours = search.search_protocol(
        splits, None, protocol="train_gallery", depth=1, exclude_same_group=True
    )
    with pytest.raises(ValueError, match="no test images"):
        query_scores.score_queries(
            [neighbours], labels, splits, exclude_same_group=True, protocols=PROTOCOL_SPLITS, ks=KS, depth=15
        )


def list_scores(hits, k):
    """Every score of each query, row by row: {(metric, k): [(label, reachable, score)]}."""
    scores = defaultdict(list)
    for row in hits.to_dicts():
        label_and_reachable = (row["category"], row["label"]), row["n_relevant"] > 0
        first = row["first_relevant_rank"]
        scores["mrr", 15].append((*label_and_reachable, 1 / first if first else 0))
        scores["precision", k].append((*label_and_reachable, row["n_relevant_at_k"][KS.index(k)] / k))
        scores["r_precision", 15].append((*label_and_reachable, row["r_precision"]))
        scores["map_at_r", 15].append((*label_and_reachable, row["average_precision"]))
    return scores


@pytest.mark.parametrize("seed", [1, 2])
def test_other_metrics_are_means_or_null_with_a_reason(seed):
    *_, hits = score_study(seed)
    table = compute_metrics(hits, ks=KS, depth=15, bootstrap_samples=100, seed=1)
    n_null = 0
    for level in ("category", "genus", "species"):
        scores_of_metric = list_scores(hits.filter(protocol="leave_one_out", level=level), 3)
        for (metric, k), scores in scores_of_metric.items():
            for query_subset in ("all", "reachable"):
                in_subset = [
                    (label, score)
                    for label, is_reachable, score in scores
                    if is_reachable or query_subset == "all"
                ]
                scope = {"protocol": "leave_one_out", "level": level, "metric": metric, "k": k}
                rows = table.filter(label="all", category="all", query_subset=query_subset, **scope)
                by_average = {row["average"]: row for row in rows.to_dicts()}
                if any(score is None for _, score in in_subset):
                    n_null += 1
                    assert {row["value"] for row in by_average.values()} == {None}
                    assert all(
                        "could find more than the 15" in row["null_reason"] for row in by_average.values()
                    )
                    continue
                by_label = defaultdict(list)
                for label, score in in_subset:
                    by_label[label].append(score)
                macro = np.mean([np.mean(values) for values in by_label.values()])
                assert by_average["micro"]["value"] == pytest.approx(np.mean([s for _, s in in_subset]))
                assert by_average["macro"]["value"] == pytest.approx(macro)
                assert by_average["micro"]["null_reason"] is None
    assert n_null


def test_where_all_groups_agree_the_interval_is_wilsons():
    labels = random_study.labels_of(["Aa x"] * 6)
    uuids = labels["uuid"].to_list()
    splits = pl.DataFrame({"uuid": uuids, "split": ["test"] * 6, "group_id": uuids, "reason": [None] * 6})
    neighbours = search.search_protocol(
        splits,
        random_study.vectors_of(labels["uuid"], random_study.vectors(1, 6)),
        protocol="leave_one_out",
        depth=3,
        exclude_same_group=True,
    )
    hits = query_scores.score_queries(
        [neighbours], labels, splits, exclude_same_group=True, protocols=["leave_one_out"], ks=[1], depth=3
    )
    table = compute_metrics(hits, ks=[1], depth=3, bootstrap_samples=100, seed=1)
    row = table.filter(level="species", metric="recall", average="micro", query_subset="all", category="all")
    assert row.select("value", "ci_low", "ci_high").row(0) == (1.0, pytest.approx(wilson(1.0, 6)[0]), 1.0)


def test_groups_are_counted_by_query_subset_and_category():
    hits = counted_hits(
        [
            ("Bird", "Aa x", "g1", 1, 1),
            ("Bird", "Aa x", "g1", 1, None),
            ("Bird", "Aa x", "g2", 0, None),
            ("Bird", "Bb y", "g3", 0, None),
            ("Fish", "Cc z", "g4", 3, 1),
            ("Fish", "Cc z", "g5", 0, None),
        ]
    )
    table = compute_metrics(hits, ks=[1], depth=2, bootstrap_samples=50, seed=1)
    undefined = table.filter(metric="r_precision", average="micro", query_subset="all", category="all")
    assert undefined["null_reason"].to_list() == ["1 of 6 queries could find more than the 2 stored"]
    table = table.filter(metric="recall", average="micro")
    names = ["n_queries", "n_groups", "n_labels", "n_undefined", "n_unreachable", "value"]
    scopes = {
        (row["query_subset"], row["category"]): tuple(row[name] for name in names) for row in table.to_dicts()
    }
    assert scopes == {
        ("all", "all"): (6, 5, 3, 1, 3, pytest.approx(2 / 6)),
        ("all", "Bird"): (4, 3, 2, 0, 2, 0.25),
        ("all", "Fish"): (2, 2, 1, 1, 1, 0.5),
        ("reachable", "all"): (3, 2, 2, 1, 3, pytest.approx(2 / 3)),
        ("reachable", "Bird"): (2, 1, 1, 0, 2, 0.5),
        ("reachable", "Fish"): (1, 1, 1, 1, 1, 1.0),
    }


def test_labels_are_counted_with_their_own_groups_and_interval():
    hits = counted_hits(
        [
            ("Bird", "Aa x", "g1", 1, 1),
            ("Bird", "Aa x", "g2", 1, None),
            ("Bird", "Aa x", "g3", 0, None),
            ("Bird", "Aa y", "g4", 0, None),
        ]
    )
    table = compute_metrics(hits, ks=[1], depth=2, bootstrap_samples=50, seed=1)
    names = [
        "n_queries",
        "n_groups",
        "n_labels",
        "n_undefined",
        "n_unreachable",
        "value",
        "ci_low",
        "ci_high",
    ]
    labels = {
        (row["metric"], row["query_subset"], row["label"]): tuple(row[name] for name in names)
        for row in table.filter(
            pl.col("metric").str.contains("recall|species"), average="per_label"
        ).to_dicts()
    }
    ends = {
        n: tuple(map(pytest.approx, wilson(np.array([s]), np.array([n]))[:, 0]))
        for s, n in [(1 / 3, 3), (0.5, 2), (0, 1)]
    }
    assert labels == {
        ("recall", "all", "Aa x"): (3, 3, 1, 0, 1, pytest.approx(1 / 3), *ends[3]),
        ("recall", "all", "Aa y"): (1, 1, 1, 0, 1, 0.0, *ends[1]),
        ("recall", "reachable", "Aa x"): (2, 2, 1, 0, 1, 0.5, *ends[2]),
        ("genus_mean_of_species", "all", "Aa"): (4, 4, 2, 0, 2, pytest.approx(1 / 6), None, None),
    }


def test_the_interval_of_reachable_queries_counts_only_their_groups():
    unreachable = [("Bird", "Aa x", f"lost{i}", 0, None) for i in range(50)]
    reachable = [("Bird", "Aa x", f"g{i}", 1, 1 if i < 4 else None) for i in range(8)]
    table = compute_metrics(
        counted_hits(reachable + unreachable), ks=[1], depth=2, bootstrap_samples=50, seed=1
    )
    row = table.filter(metric="recall", average="micro", query_subset="reachable", category="all")
    low, high = wilson(np.array([0.5]), np.array([8]))[:, 0]  # half of 8 groups: fewer than 5
    assert row.select("value", "ci_low", "ci_high").row(0) == (0.5, pytest.approx(low), pytest.approx(high))


def test_samples_in_chunks_give_the_same_intervals(monkeypatch):
    *_, hits = score_study(3)
    hits = hits.filter(protocol="leave_one_out")
    whole = compute_metrics(hits, ks=KS, depth=15, bootstrap_samples=20, seed=1)
    monkeypatch.setattr("nearkin.evaluation.bootstrap.CHUNK_WEIGHTS", 2000)
    chunked = compute_metrics(hits, ks=KS, depth=15, bootstrap_samples=20, seed=1)
    assert chunked.drop("ci_low", "ci_high").equals(whole.drop("ci_low", "ci_high"))
    for end in ("ci_low", "ci_high"):
        assert np.allclose(chunked[end].fill_null(-1), whole[end].fill_null(-1), rtol=0, atol=1e-12)
