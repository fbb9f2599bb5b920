"""The estimated costs of a study of 5.6 million photos: the tables of docs/scale.md, from results.json.

    PYTHONPATH=. .venv/bin/python benchmarks/plan.py

Measures only the planning of its jobs. Costs that grow with the photos are extrapolated from the
benchmarks of decoding, encoder and search, all others from the studies of `scaling_study.py`.
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

from benchmarks.report import RESULTS, describe_machine, format_table, read_machine, replace_block
from benchmarks.subprocess_timer import run_in_subprocess
from nearkin.estimate.stages import NEIGHBOUR_BYTES, count_by_split, count_search
from nearkin.estimate.table import format_duration, format_size
from nearkin.search.exact_knn import self_knn

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/scale.md"
N_IMAGES, WIDTH, DEPTH, N_MODELS = 5_600_000, 512, 100, 2
N_SHARDS, N_CHUNKS, N_EPOCHS = 2000, 200, 8
N_SEARCHED = 20_000
PROTOCOLS = ["leave_one_out", "train_gallery", "unseen_species"]
SPLIT = {
    "train": 0.5,
    "val": 0.1,
    "test": 0.4,
    "held_out_species": 0.1,
    "folds": None,
}  # the config's defaults
PIXEL_BYTES = 224 * 224 * 3
SEARCH_BYTES = 2**30  # memory of the search without the vectors
CURATION_STAGES = {
    "clean_labels": "names",
    "complete_captions": "captions",
    "group_images": "groups",
    "split_images": "splits",
}
RULES_BY_PHOTO = ("inspect_images", "cache_pixels", "embed_images", "search_neighbours", "audit_leakage")
EXCLUDED_RULES = ("generate_synthetic", "prepare_encoder", "draw_thumbnails", "download_dataset")
MACHINES = {"one GPU, 16 cores": (16, 1), "8 GPUs, 128 cores": (128, 8), "200 cores": (200, 0)}


class Stage(NamedTuple):
    """A rule: its jobs, core-seconds of all jobs, cores and bytes of memory of one job."""

    rule: str
    n_jobs: int
    core_seconds: float
    cores: int
    memory_bytes: float
    uses_gpu: bool = False

    def estimate_seconds(self, cores):
        """The seconds of all jobs in parallel on this number of cores."""
        rounds = math.ceil(self.n_jobs / max(1, cores // self.cores))
        return rounds * self.core_seconds / self.n_jobs / min(self.cores, cores)


def estimate_stages(results, n_searched):
    """All stages of the study, the most expensive first; runs searches of `n_searched` vectors."""
    sizes = count_by_split(N_IMAGES, SPLIT)
    threads = results["embedding"]["threads"]
    core_seconds = {
        (record["photos"], record["method"]): threads / record["per_second"]
        for record in results["embedding"]["records"]
    }
    decode = core_seconds["12 megapixels", "nearkin bf16"] - core_seconds["small", "nearkin bf16"]
    encode = core_seconds["small", "forward pass alone bf16"]
    learn = 3 * core_seconds["small", "forward pass alone fp32"]
    inspect = 1 / results["inspection"]["results"]["JPEGs of 12 megapixels"]["inspected_per_second"]
    slowdown = run_in_subprocess(measure_depth_slowdown, n_searched)["times"]
    compare = slowdown / count_pairs_per_core_second(results["neighbours"])
    _, n_pairs, _ = count_search(sizes, PROTOCOLS, DEPTH)
    n_audit_pairs = 3 * min(100_000, sizes["test"]) * (sizes["test"] + sizes["train"])
    vectors = 4 * WIDTH * max(sizes["test"] + sizes["train"], 2 * sizes["test"]) + SEARCH_BYTES
    embed = N_MODELS * N_IMAGES * encode
    stages = [
        Stage("inspect_images", N_SHARDS, N_IMAGES * inspect, 1, estimate_memory("inspect_images", results)),
        Stage("cache_pixels", N_SHARDS, N_IMAGES * decode, 8, estimate_memory("cache_pixels", results)),
        Stage("embed_images", N_MODELS * N_SHARDS, embed, 2, 1.5e9, uses_gpu=True),
        Stage("finetune_encoder", 1, N_EPOCHS * sizes["train"] * learn, 8, 8e9, uses_gpu=True),
        Stage(
            "search_neighbours", N_MODELS * N_CHUNKS, N_MODELS * n_pairs * compare, 8, vectors, uses_gpu=True
        ),
        Stage("audit_leakage", 1, n_audit_pairs * compare, 8, 4 * WIDTH * N_IMAGES + SEARCH_BYTES),
    ]
    excluded = {stage.rule for stage in stages} | set(EXCLUDED_RULES)
    for rule in sorted({record["rule"] for record in results["scaling_study"]["records"]} - excluded):
        stages.append(_estimate_table_rule(rule, results))
    return sorted(stages, key=lambda stage: -stage.core_seconds)


def _estimate_table_rule(rule, results):
    """A rule with few jobs: as measured on 5.6 million rows, or extrapolated."""
    records = _select_records(rule, results)
    n_jobs = max(record["n_jobs"] for record in records)
    if rule in CURATION_STAGES:
        (record,) = (
            record
            for record in results["curation"]["records"]
            if (record["rows"], record["stage"]) == (N_IMAGES, CURATION_STAGES[rule])
        )
        return Stage(rule, n_jobs, record["seconds"], 1, record["gigabytes"] * 2**30)
    sizes, seconds = zip(*((record["images"], record["seconds"]) for record in records), strict=True)
    return Stage(rule, n_jobs, extrapolate(sizes, seconds), 1, estimate_memory(rule, results))


def _select_records(rule, results):
    return [record for record in results["scaling_study"]["records"] if record["rule"] == rule]


def estimate_memory(rule, results):
    """The bytes that a job of a rule needs; a job of a shard needs those of a shard of the largest study."""
    sizes, megabytes = zip(
        *((record["images"], record["most_memory"]) for record in _select_records(rule, results)), strict=True
    )
    return 2**20 * (megabytes[-1] if rule in RULES_BY_PHOTO else extrapolate(sizes, megabytes))


def extrapolate(sizes, values):
    """A value at N_IMAGES from those of the last two sizes: on a line, or on a power law if it grows faster.

    >>> extrapolate([1e3, 1e4, 1e5], [1.0, 2.0, 11.0]) == 1 + N_IMAGES / 1e4
    True
    >>> round(extrapolate([1e4, 1e5], [1.0, 100.0]) / (N_IMAGES / 1e4) ** 2, 6)
    1.0
    """
    (n, m), (low, high) = sizes[-2:], values[-2:]
    power = math.log(high / low) / math.log(m / n)
    if power > 1:
        return high * (N_IMAGES / m) ** power
    return max(high, low + (high - low) / (m - n) * (N_IMAGES - n))


def count_pairs_per_core_second(neighbours):
    """The number of pairs of vectors compared: in the largest self-search, counting each pair once."""
    largest = max(
        (record for record in neighbours["records"] if record["method"] == "nearkin"),
        key=lambda record: record["n"],
    )
    return largest["n"] ** 2 / 2 / largest["seconds"] / neighbours["threads"]


def measure_depth_slowdown(n):
    """The time of a search for DEPTH neighbours, as a multiple of the benchmark's search for ten."""
    rng, codes = np.random.default_rng(1), np.arange(n)
    centres = rng.normal(size=(n // 100, WIDTH))[codes % (n // 100)]
    vectors = centres + 0.7 * rng.normal(size=centres.shape)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    seconds = []
    for depth in (10, 10, DEPTH):  # the first warms up
        start = time.perf_counter()
        for _ in self_knn(vectors, codes, depth=depth):
            pass
        seconds.append(time.perf_counter() - start)
    return {"times": seconds[-1] / seconds[-2]}


def measure_planning(n_shards, n_chunks):
    """Jobs, seconds and gigabytes of a dry run of the whole study."""
    shipped_config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    models = {name: shipped_config["models"][name] for name in ("lite0", "lite0_unicom")}
    study = shipped_config | {
        "models": models,
        "compare": [list(models)],
        "shards": n_shards,
        "search": {"query_chunks": n_chunks},
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
        return run_in_subprocess(_run_dry, folder)


def _run_dry(folder):
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", "--directory", folder]
    command += ["--snakefile", ROOT / "Snakefile", "--configfile", Path(folder, "study.yaml")]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    seconds = time.perf_counter() - start
    n_jobs = int(re.search(r"^total\s+(\d+)$", done.stdout, re.MULTILINE)[1])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {"jobs": n_jobs, "seconds": seconds, "peak": peak}


def make_stage_table(stages):
    """Header and rows: core-hours of each stage, and cores, memory and time of one of its jobs."""
    rows = [
        [
            stage.rule,
            f"{stage.n_jobs:,}",
            _format_hours(stage.core_seconds),
            stage.cores,
            f"{stage.memory_bytes / 1e9:,.1f}",
            format_duration(stage.core_seconds / stage.n_jobs / stage.cores),
        ]
        for stage in stages
    ]
    return ["rule", "jobs", "core-hours", "cores per job", "GB per job", "time per job"], rows


def make_machine_table(stages):
    """Header and rows: hours of all rules that run on CPUs, and the rules that a machine's GPUs run."""
    rows = []
    for name, (n_cores, n_gpus) in MACHINES.items():
        excluded = {"finetune_encoder"} | {stage.rule for stage in stages if n_gpus and stage.uses_gpu}
        seconds = {
            stage.rule: stage.estimate_seconds(n_cores) for stage in stages if stage.rule not in excluded
        }
        slowest = max(seconds, key=seconds.get)
        rows.append(
            [
                name,
                _format_hours(sum(seconds.values())),
                f"{slowest}, {_format_hours(seconds[slowest])} h",
                ", ".join(sorted(excluded)),
            ]
        )
    return ["machine", "hours", "slowest rule", "not included"], rows


def make_disk_table():
    """Header and rows: size and number of the files on disk."""
    sizes = count_by_split(N_IMAGES, SPLIT)
    _, _, n_rows = count_search(sizes, PROTOCOLS, DEPTH)
    kinds = {
        "pixels (`cache: true`)": (N_IMAGES * PIXEL_BYTES, N_SHARDS),
        "embeddings": (N_MODELS * N_IMAGES * (WIDTH * 4 + 60), N_MODELS * N_SHARDS),
        "neighbours, in chunks and joined": (
            2 * N_MODELS * n_rows * NEIGHBOUR_BYTES,
            N_MODELS * (N_CHUNKS + 1),
        ),
        "inspection": (N_IMAGES * 120, N_SHARDS),
        "thumbnails for report and audit": (20e3 * 3e3, N_SHARDS),
    }
    rows = [[kind, format_size(n_bytes), f"{n_files:,}"] for kind, (n_bytes, n_files) in kinds.items()]
    n_files = sum(n for _, n in kinds.values())
    rows.append(["logs, resource usage, and Snakemake's metadata of all files", "< 1 GB", f"{3 * n_files:,}"])
    return ["content", "size", "files"], rows


def _format_hours(seconds):
    hours = seconds / 3600
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.1f}" if hours >= 0.1 else f"{hours:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few vectors and shards; only prints")
    quick = parser.parse_args().quick
    n_searched, n_shards, n_chunks = (1_000, 2, 2) if quick else (N_SEARCHED, N_SHARDS, N_CHUNKS)
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    stages, planning = estimate_stages(results, n_searched), measure_planning(n_shards, n_chunks)
    summary = "{jobs:,} jobs are planned in {seconds:.0f} s and {peak:.1f} GB.".format(**planning)
    blocks = {
        "stages": format_table(*make_stage_table(stages)),
        "machines": format_table(*make_machine_table(stages)),
        "disk": format_table(*make_disk_table()),
        "planned": f"{summary}\n\n{describe_machine(read_machine())}",
    }
    for name, block in blocks.items():
        if quick:
            print(block, end="\n\n")
        else:
            replace_block(PAGE, name, block)


if __name__ == "__main__":
    sys.exit(main())
