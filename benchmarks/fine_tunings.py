"""What fine-tuning gains on the real delivery, by its settings: tables in docs/results.md.

make study CONFIG=tests/training.yaml
PYTHONPATH=. .venv/bin/python benchmarks/fine_tunings.py
"""

import argparse
import sys

import polars as pl

from benchmarks.report import HERE, put, table
from nearkin.storage import tables
from nearkin.tables.seeds import SeedSummaries
from nearkin.vocabulary import ALL

ROOT = HERE.parent
FOUND = ROOT / "results/specimens/seeds.parquet"
PAGES = dict.fromkeys(("leave_one_out", "train_gallery", "unseen_species"), "docs/results.md")
LEVELS, KS = ["category", "genus", "species"], [1, 5, 10]
NAMES = {
    "untrained": "random weights",
    "lite0": "pretrained (ImageNet)",
    "head": "head alone",
    "blocks.gradient_straight_through": "last five blocks (the default)",
    "blocks.margin_gradient_exact": "the same, exact gradient",
    "sampled": "the same, sample_rate 0.3",
    "clustered.labels_looks_100": "the same, 100 clusters as labels",
    "clustered.labels_looks_of_7": "the same, clusters of about 7 images",
    "whole": "whole network",
}


def rows(found):
    """A row per variant, of the rows of one protocol."""
    for name, shown in NAMES.items():
        own = found.filter(config_name=name)
        recalls = own.filter(metric="recall")
        by_k = {
            level: " / ".join(f"{recalls.filter(level=level, k=k)['mean'].item():.3f}" for k in KS)
            for level in LEVELS
        }
        first = recalls.filter(level="species", k=1).row(0, named=True)
        seeds = f"{first['min']:.3f} to {first['max']:.3f}" if first["n_seeds"] > 1 else ""
        interval = f"{first['ci_low']:.3f} to {first['ci_high']:.3f}"
        change = own.filter(metric="diff_pp", level="species", k=1)
        gained = (
            [signed(change[end].item()) for end in ("mean", "ci_low", "ci_high")] if len(change) else None
        )
        told = f"{gained[0]} ({gained[1]} to {gained[2]})" if gained else ""
        yield [shown, *by_k.values(), interval, seeds, told]


def invented() -> pl.DataFrame:
    """A table of all variants and protocols in which nothing was gained."""
    numbers = {"mean": 0.5, "ci_low": 0.4, "ci_high": 0.6, "min": 0.5, "max": 0.5, "n_seeds": 3}
    numbers |= {"n_queries": 10, "n_groups": 5}
    return pl.DataFrame(
        {"protocol": protocol, "config_name": name, "metric": measure, "level": level, "k": k} | numbers
        for protocol in PAGES
        for name in NAMES
        for measure in ("recall", "diff_pp")
        for level in LEVELS
        for k in KS
    )


def signed(points):
    """A change in points as it is printed.

    >>> signed(-3.24), signed(0.0)
    ('−3.2', '+0.0')
    """
    return f"{points:+z.1f}".replace("-", "−")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="an invented table; only prints")
    quick = parser.parse_args().quick
    if not (quick or FOUND.exists()):
        sys.exit(f"no {FOUND}: make study CONFIG=tests/training.yaml first")
    variants = invented() if quick else tables.read(FOUND, SeedSummaries).filter(category=ALL)
    header = ["encoder", *(f"{level}@1/5/10" for level in LEVELS)]
    header += ["species@1, 95 % interval", "of the seeds", "change of species@1 in points"]
    for protocol, page in PAGES.items():
        found = variants.filter(protocol=protocol)
        n = found.filter(pl.col("level") == "species").select("n_queries", "n_groups").row(0)
        if quick:
            print(table(header, rows(found)))
            continue
        put(ROOT / page, protocol, f"n = {n[0]} queries in {n[1]} groups.\n\n{table(header, rows(found))}")


if __name__ == "__main__":
    main()
