"""How often 95 % intervals hold the truth, on invented queries whose chance to hit is known.

    PYTHONPATH=. .venv/bin/python benchmarks/coverage.py
    PYTHONPATH=. .venv/bin/python benchmarks/coverage.py --studies 200

Each study has the same queries, species and groups, and new luck. Only recall@1 is judged: of the
species (each has its own chance) averaged over queries and over species, and the difference of
two models, of which one hits more often.
"""

import argparse
import sys

import numpy as np
import polars as pl
from tqdm import tqdm

from benchmarks import invented_hits
from benchmarks.report import publish, table
from nearkin.comparison import paired
from nearkin.evaluation.averages import compute_metrics

DESIGNS = {"300 queries of 60 species": (300, 60), "1,000 queries of 50 species": (1_000, 50)}
GAIN = 0.08
RESAMPLES = 1000
NO_TRAINING = pl.DataFrame(
    schema={"level": pl.String, "category": pl.String, "label": pl.String, "n_train": pl.Int64}
)


def study(base_chance, trained_chance, seed):
    """`{number: (low, high)}` of one study."""
    hits = [
        invented_hits.hits(chance, seed=[seed, i], ks=(1,)).filter(level="species")
        for i, chance in enumerate((base_chance, trained_chance), start=1)  # [seed, 0] would be `seed` again
    ]
    averages = compute_metrics(hits[0], ks=[1], depth=100, bootstrap_samples=RESAMPLES, seed=seed)
    averages = averages.filter(
        metric="recall", label="all", category="all", query_subset="all", level="species"
    )
    found = {row["average"]: (row["ci_low"], row["ci_high"]) for row in averages.to_dicts()}
    differences = paired.compare_models(
        *hits, n_train=NO_TRAINING, ks=[1], min_queries=5, bootstrap_samples=RESAMPLES, seed=seed
    )
    overall = differences.filter(category="all", label="all").row(0, named=True)
    return found | {"difference": (overall["ci_low"], overall["ci_high"])}


def truths(base, trained):
    """What the numbers of a study are when luck is averaged out."""
    per_species = base.group_by("species").agg(pl.col("chance").mean())["chance"]
    return {
        "micro": base["chance"].mean(),
        "macro": per_species.mean(),
        "difference": 100 * (trained["chance"] - base["chance"]).mean(),
    }


def covered(n, n_species, n_studies):
    """The share of studies whose interval holds the truth, for each number."""
    base = invented_hits.queries(n, n_species=n_species, seed=1)
    trained = base.with_columns(chance=(pl.col("chance") + GAIN).clip(upper_bound=1))
    truth = truths(base, trained)
    held = {name: [] for name in truth}
    for seed in tqdm(range(n_studies), desc="studies", unit="study", disable=None):
        for name, (low, high) in study(base, trained, seed).items():
            held[name].append(low <= truth[name] <= high)
    return {name: float(np.mean(those)) for name, those in held.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, help="only so many of each design; prints, writes nothing")
    parser.add_argument("--quick", action="store_true", help="two studies of each; only prints")
    options = parser.parse_args()
    few = options.studies or (2 if options.quick else None)
    n_studies = few or 1000
    found = [
        {"design": name, "studies": n_studies} | covered(*design, n_studies)
        for name, design in DESIGNS.items()
    ]
    header = ["design", "studies", "micro", "macro", "difference"]
    rows = [
        [one["design"], f"{one['studies']:,}", *(f"{100 * one[name]:.1f} %" for name in header[2:])]
        for one in found
    ]
    if few:
        print(table(header, rows))
        return
    publish("coverage", {"bootstrap_samples": RESAMPLES, "found": found}, header, rows)


if __name__ == "__main__":
    sys.exit(main())
