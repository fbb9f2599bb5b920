"""Time and memory of each stage for 1,000, 10,000 and 100,000 synthetic images, by `resource_usage.parquet`.

    PYTHONPATH=. .venv/bin/python benchmarks/scaling_study.py
    PYTHONPATH=. .venv/bin/python benchmarks/scaling_study.py --species 30

Whole studies of small images, with two colour histograms as encoders, which compute almost nothing;
benchmarks/embedding.py measures real photos and encoders. Takes about an hour. With --species it only prints.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import yaml

from benchmarks.report import format_table, publish
from nearkin.runtime.resource_usage import summarise_by_rule
from nearkin.storage import tables
from nearkin.tables.images import Images
from nearkin.tables.resource_usage import ResourceUsage

ROOT = Path(__file__).parents[1]
N_SPECIES = [35, 300, 3000]
CORES, SHARDS = 2, 4
SYNTHETIC = {"seed": 1, "largest_species": 90, "image_size": 64}
GEOMETRY = {"size": 64, "crop_pct": 1, "interpolation": "bicubic"}


def make_config(n_species):
    """A study of a synthetic dataset with a long tail of species, with two colour histograms as encoders."""
    encoder = {"library": "histogram"}
    return {
        "datasets": {
            "museum": {
                "source": {"layout": "synthetic", "synthetic": SYNTHETIC | {"n_species": n_species}},
                "groups": {"near_duplicates": {"max_hamming": 4, "detect_transformed": False}},
            }
        },
        "shards": SHARDS,
        "preprocessing": {name: GEOMETRY | {"size": size} for name, size in (("small", 64), ("large", 224))},
        "models": {"coarse": encoder | {"preprocess": "small"}, "fine": encoder | {"preprocess": "large"}},
        "compare": [["coarse", "fine"]],
    }


def run_study(n_species, folder):
    """Run a study; returns its number of images, and a record of the resource usage per rule."""
    Path(folder, "study.yaml").write_text(yaml.safe_dump(make_config(n_species)), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--quiet", "all", "--cores", str(CORES)]
    command += ["--directory", folder, "--snakefile", ROOT / "Snakefile"]
    command += ["--configfile", Path(folder, "study.yaml")]
    subprocess.run(command, check=True)  # noqa: S603
    results = Path(folder, "results/museum")
    usage = tables.read(results / "resource_usage.parquet", ResourceUsage)
    cpu = usage.group_by("rule").agg(pl.col("cpu_seconds").sum())
    n_images = tables.read(results / "images.parquet", Images)["path"].drop_nulls().n_unique()
    return n_images, summarise_by_rule(usage).join(cpu, on="rule").to_dicts()


def run_studies(sizes):
    """A record per rule and size of study."""
    records = []
    for n_species in sizes:
        with tempfile.TemporaryDirectory() as folder:
            n_images, rules = run_study(n_species, folder)
        records += [{"images": n_images} | rule for rule in rules]
        print(f"{n_images:,} images: {sum(rule['seconds'] for rule in rules):,.0f} s of jobs", flush=True)
    return records


def make_table(records):
    """Header and rows: seconds of each rule by size, slowest rule first, and memory of its largest job."""
    sizes = sorted({record["images"] for record in records})
    by_rule_and_size = {(record["rule"], record["images"]): record for record in records}
    rules = sorted(
        {rule for rule, _ in by_rule_and_size},
        key=lambda rule: -by_rule_and_size[rule, sizes[-1]]["seconds"],
    )
    header = ["rule", *(f"{size:,} images, s" for size in sizes), "peak memory of the largest, MB"]
    rows = []
    for rule in rules:
        times = [f"{by_rule_and_size[rule, size]['seconds']:,.1f}" for size in sizes]
        memory = by_rule_and_size[rule, sizes[-1]]["most_memory"]
        rows.append([rule, *times, f"{memory:,.0f}"])
    return header, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--species", type=int, nargs="+", help="only these sizes; prints, writes nothing")
    parser.add_argument("--quick", action="store_true", help="one small study; only prints")
    options = parser.parse_args()
    small_sizes = options.species or ([6] if options.quick else [])
    records = run_studies(small_sizes or N_SPECIES)
    if small_sizes:
        print(format_table(*make_table(records)))
        return
    settings = {"cores": CORES, "shards": SHARDS, "synthetic": SYNTHETIC}
    publish("scaling_study", settings | {"records": records}, *make_table(records))


if __name__ == "__main__":
    sys.exit(main())
