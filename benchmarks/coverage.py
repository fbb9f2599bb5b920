"""How often 95 % intervals contain the true value, on synthetic queries whose hit probability is known.

    PYTHONPATH=. .venv/bin/python benchmarks/coverage.py
    PYTHONPATH=. .venv/bin/python benchmarks/coverage.py --studies 200

All studies share queries, species and groups; only the hits are random. Only recall@1 is
evaluated: of the species (each has its own probability), averaged over queries and over species,
and the difference of two models, one of which hits more often.
"""

import argparse
import sys

import numpy as np
import polars as pl
from tqdm import tqdm

from benchmarks import synthetic_hits
from benchmarks.report import format_table, publish
from nearkin.comparison import paired
from nearkin.evaluation.averages import compute_metrics

DESIGNS = {"300 queries of 60 species": (300, 60), "1,000 queries of 50 species": (1_000, 50)}
GAIN = 0.08
BOOTSTRAP_SAMPLES = 1000
NO_TRAINING = pl.DataFrame(
    schema={"level": pl.String, "category": pl.String, "label": pl.String, "n_train": pl.Int64}
)


def simulate_study(base_queries, trained_queries, seed):
    """`{number: (low, high)}` of one study."""
    hits = [
        synthetic_hits.make_hits(queries, seed=[seed, i], ks=(1,)).filter(level="species")
        for i, queries in enumerate((base_queries, trained_queries), start=1)  # [seed, 0] would equal `seed`
    ]
    averages = compute_metrics(hits[0], ks=[1], depth=100, bootstrap_samples=BOOTSTRAP_SAMPLES, seed=seed)
    averages = averages.filter(
        metric="recall", label="all", category="all", query_subset="all", level="species"
    )
    intervals = {row["average"]: (row["ci_low"], row["ci_high"]) for row in averages.to_dicts()}
    differences = paired.compare_models(
        *hits, n_train=NO_TRAINING, ks=[1], min_queries=5, bootstrap_samples=BOOTSTRAP_SAMPLES, seed=seed
    )
    overall = differences.filter(category="all", label="all").row(0, named=True)
    return intervals | {"difference": (overall["ci_low"], overall["ci_high"])}


def compute_true_values(base, trained):
    """The expected values of the numbers of a study."""
    per_species = base.group_by("species").agg(pl.col("chance").mean())["chance"]
    return {
        "micro": base["chance"].mean(),
        "macro": per_species.mean(),
        "difference": 100 * (trained["chance"] - base["chance"]).mean(),
    }


def measure_coverage(n, n_species, n_studies):
    """The share of studies whose interval contains the true value, for each number."""
    base = synthetic_hits.make_queries(n, n_species=n_species, seed=1)
    trained = base.with_columns(chance=(pl.col("chance") + GAIN).clip(upper_bound=1))
    true_values = compute_true_values(base, trained)
    contains = {name: [] for name in true_values}
    for seed in tqdm(range(n_studies), desc="studies", unit="study", disable=None):
        for name, (low, high) in simulate_study(base, trained, seed).items():
            contains[name].append(low <= true_values[name] <= high)
    return {name: float(np.mean(flags)) for name, flags in contains.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, help="number of studies per design; prints, writes nothing")
    parser.add_argument("--quick", action="store_true", help="two studies per design; only prints")
    options = parser.parse_args()
    n_few = options.studies or (2 if options.quick else None)
    n_studies = n_few or 1000
    records = [
        {"design": name, "studies": n_studies} | measure_coverage(*design, n_studies)
        for name, design in DESIGNS.items()
    ]
    header = ["design", "studies", "micro", "macro", "difference"]
    rows = [
        [record["design"], f"{record['studies']:,}", *(f"{100 * record[name]:.1f} %" for name in header[2:])]
        for record in records
    ]
    if n_few:
        print(format_table(header, rows))
        return
    publish("coverage", {"bootstrap_samples": BOOTSTRAP_SAMPLES, "records": records}, header, rows)


if __name__ == "__main__":
    sys.exit(main())
