"""The gain of fine-tuning on the real delivery, by its settings: tables in docs/results.md.

make study CONFIG=tests/training.yaml
PYTHONPATH=. .venv/bin/python benchmarks/finetuning_results.py
"""

import argparse
import sys

import polars as pl

from benchmarks.report import HERE, format_table, replace_block
from nearkin.storage import tables
from nearkin.tables.seeds import SeedSummaries
from nearkin.vocabulary import ALL, MAIN_LEVELS

ROOT = HERE.parent
SEEDS_PATH = ROOT / "results/specimens/seeds.parquet"
PAGES = dict.fromkeys(("leave_one_out", "train_gallery", "unseen_species"), "docs/results.md")
KS = [1, 5, 10]
CHANGE_COLUMNS = ("mean", "ci_low", "ci_high")
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


def make_rows(summaries):
    """A row per model, from the seed summaries of one protocol."""
    for name, display_name in NAMES.items():
        own = summaries.filter(config_name=name)
        recalls = own.filter(metric="recall")
        by_k = {
            level: " / ".join(f"{recalls.filter(level=level, k=k)['mean'].item():.3f}" for k in KS)
            for level in MAIN_LEVELS
        }
        first = recalls.filter(level="species", k=1).row(0, named=True)
        seeds = f"{first['min']:.3f} to {first['max']:.3f}" if first["n_seeds"] > 1 else ""
        interval = f"{first['ci_low']:.3f} to {first['ci_high']:.3f}"
        change = own.filter(metric="diff_pp", level="species", k=1)
        numbers = [format_signed(change[name].item()) for name in CHANGE_COLUMNS] if len(change) else []
        gain = "{} ({} to {})".format(*numbers) if numbers else ""
        yield [display_name, *by_k.values(), interval, seeds, gain]


def make_synthetic_summaries() -> pl.DataFrame:
    """A table of all models and protocols in which no model gains anything."""
    numbers = {"mean": 0.5, "ci_low": 0.4, "ci_high": 0.6, "min": 0.5, "max": 0.5, "n_seeds": 3}
    numbers |= {"n_queries": 10, "n_groups": 5}
    return pl.DataFrame(
        {"protocol": protocol, "config_name": name, "metric": metric, "level": level, "k": k} | numbers
        for protocol in PAGES
        for name in NAMES
        for metric in ("recall", "diff_pp")
        for level in MAIN_LEVELS
        for k in KS
    )


def format_signed(diff_pp):
    """A difference in percentage points, with its sign.

    >>> format_signed(-3.24), format_signed(0.0)
    ('−3.2', '+0.0')
    """
    return f"{diff_pp:+z.1f}".replace("-", "−")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a synthetic table; only prints")
    quick = parser.parse_args().quick
    if not (quick or SEEDS_PATH.exists()):
        sys.exit(f"no {SEEDS_PATH}: make study CONFIG=tests/training.yaml first")
    if quick:
        summaries = make_synthetic_summaries()
    else:
        summaries = tables.read(SEEDS_PATH, SeedSummaries).filter(category=ALL)
    header = ["encoder", *(f"{level}@1/5/10" for level in MAIN_LEVELS)]
    header += ["species@1, 95 % interval", "range over seeds", "change of species@1, percentage points"]
    for protocol, page in PAGES.items():
        own = summaries.filter(protocol=protocol)
        n = own.filter(pl.col("level") == "species").select("n_queries", "n_groups").row(0)
        markdown = format_table(header, make_rows(own))
        if quick:
            print(markdown)
            continue
        replace_block(ROOT / page, protocol, f"n = {n[0]} queries in {n[1]} groups.\n\n{markdown}")


if __name__ == "__main__":
    main()
