"""What a study of 5.6 million photos would take: the tables of docs/scale.md, from results.json.

    PYTHONPATH=. .venv/bin/python benchmarks/plan.py

Measures nothing but the planning of its jobs. What grows with the photos is carried on from the
benchmarks of decoding, encoder and search, all else from whole studies by `growth.py`.
"""

import argparse
import json
import math
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from benchmarks import fresh
from benchmarks.report import RESULTS, described, machine, put, table
from nearkin.estimate import model
from nearkin.search.exact_knn import self_knn

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/scale.md"
IMAGES, WIDTH, DEPTH, MODELS = 5_600_000, 512, 100, 2
SHARDS, CHUNKS, EPOCHS = 2000, 200, 8
SEARCHED = 20_000
PROTOCOLS = ["leave_one_out", "train_gallery", "unseen_species"]
SPLIT = {
    "train": 0.5,
    "val": 0.1,
    "test": 0.4,
    "held_out_species": 0.1,
    "folds": None,
}  # the config's defaults
PIXELS = 224 * 224 * 3
CURATION = {
    "clean_labels": "names",
    "complete_captions": "captions",
    "group_images": "groups",
    "split_images": "splits",
}
BY_PHOTO = ("inspect_images", "cache_pixels", "embed_images", "search_neighbours", "audit_leakage")
NOT_MEANT = ("generate_synthetic", "prepare_encoder", "draw_thumbnails", "download_dataset")
MACHINES = {"one GPU, 16 cores": (16, 1), "8 GPUs, 128 cores": (128, 8), "200 cores": (200, 0)}


class Stage(NamedTuple):
    """A rule: its jobs, core-seconds of all, cores of one, and bytes of memory that one needs."""

    rule: str
    n_jobs: int
    work: float
    cores: int
    memory: float
    on_gpu: bool = False

    def seconds(self, cores):
        """How long all jobs take side by side on so many cores."""
        rounds = math.ceil(self.n_jobs / max(1, cores // self.cores))
        return rounds * self.work / self.n_jobs / min(self.cores, cores)


def stages(results, n_searched):
    """All stages of the study, the dearest first; so many vectors are searched for it."""
    sides = model.split_sizes(IMAGES, SPLIT)
    threads = results["embedding"]["threads"]
    way = {(one["photos"], one["way"]): threads / one["per_second"] for one in results["embedding"]["found"]}
    decode = way["12 megapixels", "nearkin bf16"] - way["small", "nearkin bf16"]
    encode, learn = way["small", "forward pass alone bf16"], 3 * way["small", "forward pass alone fp32"]
    inspect = 1 / results["inspection"]["found"]["JPEGs of 12 megapixels"]["inspected_per_second"]
    compare = fresh.run(deeper, n_searched)["times"] / products_per_core_second(results["neighbours"])
    _, n_pairs, _ = model.search_workload(sides, PROTOCOLS, DEPTH)
    n_audited = 3 * min(100_000, sides["test"]) * (sides["test"] + sides["train"])
    vectors = 4 * WIDTH * max(sides["test"] + sides["train"], 2 * sides["test"]) + model.SEARCH_BYTES
    found = [
        Stage("inspect_images", SHARDS, IMAGES * inspect, 1, memory_of("inspect_images", results)),
        Stage("cache_pixels", SHARDS, IMAGES * decode, 8, memory_of("cache_pixels", results)),
        Stage("embed_images", MODELS * SHARDS, MODELS * IMAGES * encode, 2, 1.5e9, on_gpu=True),
        Stage("finetune_encoder", 1, EPOCHS * sides["train"] * learn, 8, 8e9, on_gpu=True),
        Stage("search_neighbours", MODELS * CHUNKS, MODELS * n_pairs * compare, 8, vectors, on_gpu=True),
        Stage("audit_leakage", 1, n_audited * compare, 8, 4 * WIDTH * IMAGES + model.SEARCH_BYTES),
    ]
    known = {one.rule for one in found} | set(NOT_MEANT)
    for rule in sorted({record["rule"] for record in results["growth"]["records"]} - known):
        found.append(_single(rule, results))
    return sorted(found, key=lambda stage: -stage.work)


def _single(rule, results):
    """A rule whose jobs are few: as measured on 5.6 million rows, or carried on."""
    n_jobs = max(one["n_jobs"] for one in _records(rule, results))
    if rule in CURATION:
        (record,) = (
            one
            for one in results["curation"]["records"]
            if (one["rows"], one["stage"]) == (IMAGES, CURATION[rule])
        )
        return Stage(rule, n_jobs, record["seconds"], 1, record["gigabytes"] * 2**30)
    sizes, seconds = zip(*((one["images"], one["seconds"]) for one in _records(rule, results)), strict=True)
    return Stage(rule, n_jobs, carried_on(sizes, seconds), 1, memory_of(rule, results))


def _records(rule, results):
    return [one for one in results["growth"]["records"] if one["rule"] == rule]


def memory_of(rule, results):
    """The bytes that a job of a rule needs; one of a shard as much as a shard of the largest study took."""
    sizes, megabytes = zip(
        *((one["images"], one["most_memory"]) for one in _records(rule, results)), strict=True
    )
    return 2**20 * (megabytes[-1] if rule in BY_PHOTO else carried_on(sizes, megabytes))


def carried_on(sizes, values):
    """A measure at IMAGES, from the last two sizes: along a line, or the power that rises faster.

    >>> carried_on([1e3, 1e4, 1e5], [1.0, 2.0, 11.0]) == 1 + IMAGES / 1e4
    True
    >>> round(carried_on([1e4, 1e5], [1.0, 100.0]) / (IMAGES / 1e4) ** 2, 6)
    1.0
    """
    (n, m), (low, high) = sizes[-2:], values[-2:]
    power = math.log(high / low) / math.log(m / n)
    if power > 1:
        return high * (IMAGES / m) ** power
    return max(high, low + (high - low) / (m - n) * (IMAGES - n))


def products_per_core_second(measured):
    """How many pairs of vectors are compared: in the largest search of all with all, each pair once."""
    largest = max((one for one in measured["found"] if one["way"] == "nearkin"), key=lambda one: one["n"])
    return largest["n"] ** 2 / 2 / largest["seconds"] / measured["threads"]


def deeper(n):
    """How many times as long a search for DEPTH neighbours takes as one for ten, as in the benchmark."""
    rng, codes = np.random.default_rng(1), np.arange(n)
    near = rng.normal(size=(n // 100, WIDTH))[codes % (n // 100)]
    vectors = near + 0.7 * rng.normal(size=near.shape)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    seconds = []
    for depth in (10, 10, DEPTH):  # the first warms up
        start = time.perf_counter()
        for _ in self_knn(vectors, codes, depth=depth):
            pass
        seconds.append(time.perf_counter() - start)
    return {"times": seconds[-1] / seconds[-2]}


def planning(n_shards, n_chunks):
    """Jobs, seconds and gigabytes of a dry run of the whole study."""
    shipped = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    models = {name: shipped["models"][name] for name in ("lite0", "lite0_unicom")}
    study = shipped | {
        "models": models,
        "compare": [list(models)],
        "shards": n_shards,
        "search": {"query_chunks": n_chunks},
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
        return fresh.run(_planned, folder)


def _planned(folder):
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", "--directory", folder]
    command += ["--snakefile", ROOT / "Snakefile", "--configfile", Path(folder, "study.yaml")]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    seconds = time.perf_counter() - start
    n_jobs = int(re.search(r"^total\s+(\d+)$", done.stdout, re.MULTILINE)[1])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {"jobs": n_jobs, "seconds": seconds, "peak": peak}


def of_stages(found):
    """Header and rows: what each stage takes, in core-hours, and what a job of it needs."""
    rows = [
        [
            stage.rule,
            f"{stage.n_jobs:,}",
            _hours(stage.work),
            stage.cores,
            f"{stage.memory / 1e9:,.1f}",
            model.duration(stage.work / stage.n_jobs / stage.cores),
        ]
        for stage in found
    ]
    return ["rule", "jobs", "core-hours", "cores of a job", "GB of a job", "time of a job"], rows


def of_machines(found):
    """Header and rows: hours of all that runs on processors, and what is left for GPUs."""
    rows = []
    for name, (n_cores, n_gpus) in MACHINES.items():
        apart = {"finetune_encoder"} | {stage.rule for stage in found if n_gpus and stage.on_gpu}
        seconds = {stage.rule: stage.seconds(n_cores) for stage in found}
        longest = max((rule for rule in seconds if rule not in apart), key=seconds.get)
        everything = sum(taken for rule, taken in seconds.items() if rule not in apart)
        rows.append(
            [name, _hours(everything), f"{longest}, {_hours(seconds[longest])} h", ", ".join(sorted(apart))]
        )
    return ["machine", "hours", "the longest of it", "not in it"], rows


def of_disk():
    """Header and rows: what lies on the disk."""
    sides = model.split_sizes(IMAGES, SPLIT)
    _, _, n_rows = model.search_workload(sides, PROTOCOLS, DEPTH)
    kinds = {
        "pixels (`cache: true`)": (IMAGES * PIXELS, SHARDS),
        "embeddings": (MODELS * IMAGES * (WIDTH * 4 + 60), MODELS * SHARDS),
        "neighbours, in chunks and joined": (
            2 * MODELS * n_rows * model.NEIGHBOUR_BYTES,
            MODELS * (CHUNKS + 1),
        ),
        "inspection": (IMAGES * 120, SHARDS),
        "thumbnails of what is shown": (20e3 * 3e3, SHARDS),
    }
    rows = [[kind, model.size(n_bytes), f"{n_files:,}"] for kind, (n_bytes, n_files) in kinds.items()]
    n_files = sum(n for _, n in kinds.values())
    rows.append(["logs, costs, and Snakemake's records of these", "< 1 GB", f"{3 * n_files:,}"])
    return ["what", "size", "files"], rows


def _hours(seconds):
    hours = seconds / 3600
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.1f}" if hours >= 0.1 else f"{hours:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few vectors and shards; only prints")
    quick = parser.parse_args().quick
    n_searched, n_shards, n_chunks = (1_000, 2, 2) if quick else (SEARCHED, SHARDS, CHUNKS)
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    found, planned = stages(results, n_searched), planning(n_shards, n_chunks)
    said = "{jobs:,} jobs are planned in {seconds:.0f} s and {peak:.1f} GB.".format(**planned)
    blocks = {
        "stages": table(*of_stages(found)),
        "machines": table(*of_machines(found)),
        "disk": table(*of_disk()),
        "planned": f"{said}\n\n{described(machine())}",
    }
    for name, block in blocks.items():
        if quick:
            print(block, end="\n\n")
        else:
            put(PAGE, name, block)


if __name__ == "__main__":
    sys.exit(main())
