"""Scores beside the reference study's loops in one run; then what averages and intervals take.

PYTHONPATH=. .venv/bin/python benchmarks/scoring.py
"""

import argparse
import statistics
import sys
import time

import numpy as np
import polars as pl
import torch

from benchmarks import fresh, invented_hits
from benchmarks.report import publish, table
from nearkin.evaluation import metrics
from nearkin.evaluation.averages import compute_metrics

KS, DEPTH = [1, 5, 10], 100
BESIDE, QUICK = 20_000, 2_000
SIZES = [(20_000, 250), (100_000, 1_000), (1_000_000, 10_000)]  # queries and species
RESAMPLES = 2000


def loops(labels, nearest, ks):
    """The recall of every level and k, and of every label, query by query, as in the reference study.

    `nearest` is the tensor that torch's topk gives, and iterated over as such.
    """
    found = {}
    for level, names in labels.items():
        for k in ks:
            hits, per_label = [], {}
            for query, neighbours in enumerate(nearest):
                hit = names[query] in [names[other] for other in neighbours[:k]]
                hits.append(hit)
                per_label.setdefault(names[query], []).append(hit)
            means = {name: sum(those) / len(those) for name, those in per_label.items()}
            found[level, k] = sum(hits) / len(hits), means
    return found


def scored(labels, nearest, ks):
    """The same in one pass over arrays, the other metrics among it."""
    found = {}
    for level, names in labels.items():
        kinds, code = np.unique(names, return_inverse=True)
        right = code[nearest] == code[:, None]
        n_relevant = np.bincount(code)[code] - 1
        first = metrics.query_metrics(right, n_relevant, ks=ks)["first_relevant_rank"]
        for k in ks:
            hits = (first > 0) & (first <= k)
            means = np.bincount(code, hits) / np.bincount(code)
            found[level, k] = float(hits.mean()), dict(zip(kinds.tolist(), means.tolist(), strict=True))
    return found


def beside(n, repeats):
    """Median seconds of both on the same neighbours. Raises ValueError if their recalls differ."""
    asked = invented_hits.queries(n, n_species=n // 80, seed=1)
    labels = {level: asked[level].to_list() for level in invented_hits.LEVELS}
    arrays = {level: asked[level].cast(pl.Categorical).to_physical().to_numpy() for level in labels}
    drawn = np.random.default_rng(1)
    nearest = (np.arange(n)[:, None] + drawn.integers(1, 200, (n, max(KS)))) % n
    taken = {loops: [], scored: []}
    for _ in range(repeats):
        answers = []
        for way, given, found in ((loops, labels, torch.from_numpy(nearest)), (scored, arrays, nearest)):
            start = time.perf_counter()
            answers.append(way(given, found, KS))
            taken[way].append(time.perf_counter() - start)
        theirs, ours = ([answer[key][0] for key in answer] for answer in answers)
        if theirs != ours:
            raise ValueError("the two do not agree")
    seconds, peer = statistics.median(taken[scored]), statistics.median(taken[loops])
    return {"queries": n, "seconds": seconds, "peer_seconds": peer, "times": peer / seconds}


def averaged(n, n_species, bootstrap_samples):
    """Seconds of all averages of a model with so many queries, their intervals among them."""
    hits = invented_hits.hits(invented_hits.queries(n, n_species=n_species, seed=1), seed=2, depth=DEPTH)
    start = time.perf_counter()
    compute_metrics(hits, ks=KS, depth=DEPTH, bootstrap_samples=bootstrap_samples, seed=1)
    return {"seconds": time.perf_counter() - start}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--queries", type=int, nargs="+", help="only with so many; prints, writes nothing")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a few queries once; only prints")
    options = parser.parse_args()
    few = options.queries or ([QUICK] if options.quick else [])
    sizes = [(n, max(3, n // 100)) for n in few] or SIZES
    n_beside = QUICK if options.quick else BESIDE
    compared = beside(n_beside, 1 if options.quick else options.repeats)
    found = [
        {"queries": n, "species": n_species, "bootstrap_samples": RESAMPLES}
        | fresh.run(averaged, n, n_species, RESAMPLES)
        for n, n_species in sizes
    ]
    sides = ["queries", "in one pass, s", "the loops, s", "times as long"]
    of_both = [
        [
            f"{n_beside:,}",
            f"{compared['seconds']:.3f}",
            f"{compared['peer_seconds']:.2f}",
            f"{compared['times']:.0f}",
        ]
    ]
    header = ["queries", "species", "resamples", "s", "peak memory, GB"]
    rows = [
        [
            *(f"{row[key]:,}" for key in ("queries", "species", "bootstrap_samples")),
            f"{row['seconds']:.1f}",
            f"{row['gigabytes']:.2f}",
        ]
        for row in found
    ]
    if few:
        print(table(sides, of_both), table(header, rows), sep="\n\n")
        return
    publish("scoring_beside", compared, sides, of_both)
    publish("scoring", {"averages": found}, header, rows)


if __name__ == "__main__":
    sys.exit(main())
