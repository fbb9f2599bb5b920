"""What every stage takes for 1,000, 10,000 and 100,000 drawn images, by `resource_usage.parquet`.

    PYTHONPATH=. .venv/bin/python benchmarks/growth.py
    PYTHONPATH=. .venv/bin/python benchmarks/growth.py --species 30

Whole studies of small pictures, with two encoders of colours that compute next to nothing: what real
photos and encoders take is in benchmarks/embedding.py. Takes about an hour. With --species it only prints.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import yaml

from benchmarks.report import publish, table
from nearkin.runtime.resource_usage import summarise_by_rule
from nearkin.storage import tables
from nearkin.tables.images import Images
from nearkin.tables.resource_usage import ResourceUsage

ROOT = Path(__file__).parents[1]
SPECIES = [35, 300, 3000]
CORES, SHARDS = 2, 4
MUSEUM = {"seed": 1, "largest_species": 90, "image_size": 64}
GEOMETRY = {"size": 64, "crop_pct": 1, "interpolation": "bicubic"}


def config(n_species):
    """A study of a synthetic dataset with a long tail of species, by two encoders of colours."""
    encoder = {"library": "histogram"}
    return {
        "datasets": {
            "museum": {
                "source": {"layout": "synthetic", "synthetic": MUSEUM | {"n_species": n_species}},
                "groups": {"near_duplicates": {"max_hamming": 4, "detect_transformed": False}},
            }
        },
        "shards": SHARDS,
        "preprocessing": {name: GEOMETRY | {"size": size} for name, size in (("small", 64), ("large", 224))},
        "models": {"coarse": encoder | {"preprocess": "small"}, "fine": encoder | {"preprocess": "large"}},
        "compare": [["coarse", "fine"]],
    }


def study(n_species, folder):
    """Run a study, and what each of its rules took: number of images, and a record per rule."""
    Path(folder, "study.yaml").write_text(yaml.safe_dump(config(n_species)), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--quiet", "all", "--cores", str(CORES)]
    command += ["--directory", folder, "--snakefile", ROOT / "Snakefile"]
    command += ["--configfile", Path(folder, "study.yaml")]
    subprocess.run(command, check=True)  # noqa: S603
    results = Path(folder, "results/museum")
    costs = tables.read(results / "resource_usage.parquet", ResourceUsage)
    cpu = costs.group_by("rule").agg(pl.col("cpu_seconds").sum())
    n_images = tables.read(results / "images.parquet", Images)["path"].drop_nulls().n_unique()
    return n_images, summarise_by_rule(costs).join(cpu, on="rule").to_dicts()


def run(sizes):
    """A record for every rule and size of study."""
    records = []
    for n_species in sizes:
        with tempfile.TemporaryDirectory() as folder:
            n_images, rules = study(n_species, folder)
        records += [{"images": n_images} | rule for rule in rules]
        print(f"{n_images:,} images: {sum(rule['seconds'] for rule in rules):,.0f} s of jobs", flush=True)
    return records


def shown(records):
    """Header and rows: seconds of each rule at each size, dearest first, and memory of its largest job."""
    sizes = sorted({record["images"] for record in records})
    found = {(record["rule"], record["images"]): record for record in records}
    rules = sorted({rule for rule, _ in found}, key=lambda rule: -found[rule, sizes[-1]]["seconds"])
    header = ["rule", *(f"{size:,} images, s" for size in sizes), "peak memory at the last, MB"]
    rows = []
    for rule in rules:
        seconds = [found[rule, size]["seconds"] for size in sizes]
        memory = found[rule, sizes[-1]]["most_memory"]
        rows.append([rule, *(f"{one:,.1f}" for one in seconds), f"{memory:,.0f}"])
    return header, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--species", type=int, nargs="+", help="only these sizes; prints, writes nothing")
    parser.add_argument("--quick", action="store_true", help="one small study; only prints")
    options = parser.parse_args()
    few = options.species or ([6] if options.quick else [])
    records = run(few or SPECIES)
    if few:
        print(table(*shown(records)))
        return
    how = {"cores": CORES, "shards": SHARDS, "museum": MUSEUM}
    publish("growth", how | {"records": records}, *shown(records))


if __name__ == "__main__":
    sys.exit(main())
