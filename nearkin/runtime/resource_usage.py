"""Time and memory of jobs, from Snakemake's benchmark files and the last lines of the jobs' logs."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from nearkin.tables.resource_usage import ResourceUsage

SHARDED = (
    "inspect_images",
    "cache_pixels",
    "embed_images",
    "import_embeddings",
    "search_neighbours",
    "draw_thumbnails",
)
"""Rules whose jobs end in the number of a shard or chunk."""
DONE = re.compile(r" done: .*?\b(\d+) (?:images|queries)\b")
TAIL_BYTES = 4096
"""Bytes at the end of a log that hold its last line."""


def read_benchmarks(costs: str | Path, logs: str | Path, *, dataset: str) -> pl.DataFrame:
    """A `ResourceUsage` table of the benchmark files of a dataset in the folder `costs`.

    How many images a job worked on is in the last line of its log, a file of the same name
    in the folder `logs`. Empty files are skipped.
    """
    paths = [*Path(costs).glob(f"*/{dataset}.tsv"), *Path(costs).glob(f"*/{dataset}/**/*.tsv")]
    rows = []
    for path in paths:
        job = path.relative_to(costs).with_suffix("")
        measured = pl.read_csv(path, separator="\t", infer_schema=False, raise_if_empty=False, glob=False)
        if len(measured):
            n_images = read_n_images(Path(logs, f"{job}.log"))
            rows.append(_make_row(job, measured.row(-1, named=True), n_images))
    return pl.DataFrame(rows, schema=ResourceUsage.create_empty().schema).sort("rule", "job")


def keep_current_jobs(
    costs: pl.DataFrame, *, names: Sequence[str], n_shards: int, n_chunks: int
) -> pl.DataFrame:
    """The rows of jobs of this study, without models and shards of an earlier config."""
    known = pl.col("model").str.split("/").list.eval(pl.element().is_in(names)).list.all()
    n_parts = pl.when(rule="search_neighbours").then(n_chunks).otherwise(n_shards)
    return costs.filter(known.fill_null(True), (pl.col("shard") < n_parts).fill_null(True))


def summarise_by_rule(costs: pl.DataFrame) -> pl.DataFrame:
    """One row per rule, the longest first: total time and rate of its jobs, and the range over the jobs."""
    counted = pl.col("n_images") > 0
    rate = pl.col("images_per_second").filter(counted)
    return (
        costs.group_by("rule")
        .agg(
            n_jobs=pl.len(),
            seconds=pl.col("seconds").sum(),
            least_memory=pl.col("peak_memory").min(),
            most_memory=pl.col("peak_memory").max(),
            rate=pl.col("n_images").filter(counted).sum() / pl.col("seconds").filter(counted).sum(),
            slowest=rate.min(),
            fastest=rate.max(),
        )
        .with_columns(pl.col("rate").fill_nan(None))
        .sort("seconds", "rule", descending=[True, False])
    )


def read_n_images(log: str | Path) -> int | None:
    """How many images a job worked on, from the last line of its log; None if it is not there."""
    if not os.path.exists(log):
        return None
    with open(log, "rb") as file:
        file.seek(max(0, os.path.getsize(log) - TAIL_BYTES))
        done = DONE.search(file.read().decode("utf-8", errors="replace"))
    return int(done[1]) if done else None


def _make_row(job: Path, measured: Mapping[str, str], n_images: int | None) -> dict[str, object]:
    """A row of `ResourceUsage`; `job` is its rule, dataset, and what else names it."""
    rule, _, *names = job.parts
    shard = int(names[-1]) if rule in SHARDED else None
    model = "/".join(names if shard is None else names[:-1]) or None
    seconds = float(measured["s"])
    return {
        "rule": rule,
        "job": "/".join(names),
        "model": model,
        "shard": shard,
        "seconds": seconds,
        "cpu_seconds": _parse_number(measured["cpu_time"]),
        "peak_memory": _parse_number(measured["max_rss"]),
        "n_images": n_images,
        "images_per_second": n_images / seconds if n_images is not None and seconds else None,
    }


def _parse_number(text: str) -> float | None:
    """A measured number; None if the job was too short to be measured."""
    try:
        return float(text)
    except ValueError:
        return None
