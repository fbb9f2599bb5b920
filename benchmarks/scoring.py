"""Scoring queries, compared with the reference study's loops; then the costs of averages and intervals.

PYTHONPATH=. .venv/bin/python benchmarks/scoring.py
"""

import argparse
import statistics
import sys
import time

import numpy as np
import polars as pl
import torch

from benchmarks import synthetic_hits
from benchmarks.report import format_table, publish
from benchmarks.subprocess_timer import run_in_subprocess
from nearkin.evaluation import metrics
from nearkin.evaluation.averages import compute_metrics

KS, DEPTH = [1, 5, 10], 100
N_COMPARISON, N_QUICK = 20_000, 2_000
SIZES = [(20_000, 250), (100_000, 1_000), (1_000_000, 10_000)]  # queries and species
BOOTSTRAP_SAMPLES = 2000


def compute_in_loops(labels, nearest, ks):
    """The recall of every level and k, and of every label, query by query, as in the reference study.

    `nearest` is a tensor, as torch's topk returns it, and the loops iterate over its elements.
    """
    recalls = {}
    for level, names in labels.items():
        for k in ks:
            hits, per_label = [], {}
            for query, neighbours in enumerate(nearest):
                hit = names[query] in [names[other] for other in neighbours[:k]]
                hits.append(hit)
                per_label.setdefault(names[query], []).append(hit)
            means = {name: sum(flags) / len(flags) for name, flags in per_label.items()}
            recalls[level, k] = sum(hits) / len(hits), means
    return recalls


def compute_in_one_pass(labels, nearest, ks):
    """The same in one pass over arrays, which computes the other metrics, too."""
    recalls = {}
    for level, names in labels.items():
        kinds, code = np.unique(names, return_inverse=True)
        is_relevant = code[nearest] == code[:, None]
        n_relevant = np.bincount(code)[code] - 1
        first = metrics.query_metrics(is_relevant, n_relevant, ks=ks)["first_relevant_rank"]
        for k in ks:
            hits = (first > 0) & (first <= k)
            means = np.bincount(code, hits) / np.bincount(code)
            by_label = dict(zip(kinds.tolist(), means.tolist(), strict=True))
            recalls[level, k] = float(hits.mean()), by_label
    return recalls


def compare_with_loops(n, repeats):
    """The median seconds of both for the same neighbours. Raises ValueError if their recalls differ."""
    queries = synthetic_hits.make_queries(n, n_species=n // 80, seed=1)
    texts = {level: queries[level].to_list() for level in synthetic_hits.LEVELS}
    codes = {level: queries[level].cast(pl.Categorical).to_physical().to_numpy() for level in texts}
    rng = np.random.default_rng(1)
    nearest = (np.arange(n)[:, None] + rng.integers(1, 200, (n, max(KS)))) % n
    methods = {compute_in_loops: (texts, torch.from_numpy(nearest)), compute_in_one_pass: (codes, nearest)}
    seconds = {method: [] for method in methods}
    for _ in range(repeats):
        recalls = []
        for method, (labels, neighbours) in methods.items():
            start = time.perf_counter()
            recalls.append(method(labels, neighbours, KS))
            seconds[method].append(time.perf_counter() - start)
        peer_recalls, our_recalls = ([by_k[key][0] for key in by_k] for by_k in recalls)
        if peer_recalls != our_recalls:
            raise ValueError("the two methods do not agree")
    peer_median, our_median = (statistics.median(seconds[method]) for method in methods)
    return {
        "queries": n,
        "seconds": our_median,
        "peer_seconds": peer_median,
        "times": peer_median / our_median,
    }


def measure_averages(n, n_species, bootstrap_samples):
    """The seconds of all averages of a model with `n` queries, including their intervals."""
    queries = synthetic_hits.make_queries(n, n_species=n_species, seed=1)
    hits = synthetic_hits.make_hits(queries, seed=2, depth=DEPTH)
    start = time.perf_counter()
    compute_metrics(hits, ks=KS, depth=DEPTH, bootstrap_samples=bootstrap_samples, seed=1)
    return {"seconds": time.perf_counter() - start}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--queries", type=int, nargs="+", help="only these sizes; prints, writes nothing")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a few queries once; only prints")
    options = parser.parse_args()
    small_sizes = options.queries or ([N_QUICK] if options.quick else [])
    sizes = [(n, max(3, n // 100)) for n in small_sizes] or SIZES
    n_comparison = N_QUICK if options.quick else N_COMPARISON
    comparison = compare_with_loops(n_comparison, 1 if options.quick else options.repeats)
    records = [
        {"queries": n, "species": n_species, "bootstrap_samples": BOOTSTRAP_SAMPLES}
        | run_in_subprocess(measure_averages, n, n_species, BOOTSTRAP_SAMPLES)
        for n, n_species in sizes
    ]
    comparison_header = ["queries", "in one pass, s", "the loops, s", "times as long"]
    comparison_rows = [
        [
            f"{n_comparison:,}",
            f"{comparison['seconds']:.3f}",
            f"{comparison['peer_seconds']:.2f}",
            f"{comparison['times']:.0f}",
        ]
    ]
    header = ["queries", "species", "resamples", "s", "peak memory, GB"]
    rows = [
        [
            *(f"{record[key]:,}" for key in ("queries", "species", "bootstrap_samples")),
            f"{record['seconds']:.1f}",
            f"{record['gigabytes']:.2f}",
        ]
        for record in records
    ]
    if small_sizes:
        print(format_table(comparison_header, comparison_rows), format_table(header, rows), sep="\n\n")
        return
    publish("scoring_comparison", comparison, comparison_header, comparison_rows)
    publish("scoring", {"records": records}, header, rows)


if __name__ == "__main__":
    sys.exit(main())
