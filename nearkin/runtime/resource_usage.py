"""What jobs took, from the benchmark files that Snakemake leaves and the last lines of their logs."""

import os
import re
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
"""Bytes of a log in which its last line is found."""


def read_benchmarks(costs, logs, *, dataset):
    """A `ResourceUsage` table of the benchmark files of a dataset in the folder `costs`.

    How many images a job worked on stands in the last line of its log, a file of the same name
    in the folder `logs`. Empty files are passed over.
    """
    paths = [*Path(costs).glob(f"*/{dataset}.tsv"), *Path(costs).glob(f"*/{dataset}/**/*.tsv")]
    rows = []
    for path in paths:
        place = path.relative_to(costs).with_suffix("")
        measured = pl.read_csv(path, separator="\t", infer_schema=False, raise_if_empty=False, glob=False)
        if len(measured):
            rows.append(
                _make_row(place, measured.row(-1, named=True), read_n_images(Path(logs, f"{place}.log")))
            )
    return pl.DataFrame(rows, schema=ResourceUsage.create_empty().schema).sort("rule", "job")


def keep_current_jobs(costs, *, names, n_shards, n_chunks):
    """The rows of jobs that the study has; not of models and shards of an earlier config."""
    known = pl.col("model").str.split("/").list.eval(pl.element().is_in(names)).list.all()
    n_parts = pl.when(rule="search_neighbours").then(n_chunks).otherwise(n_shards)
    return costs.filter(known.fill_null(True), (pl.col("shard") < n_parts).fill_null(True))


def summarise_by_rule(costs):
    """One row per rule, the longest first: time and images of all its jobs, and how the jobs differ."""
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


def read_n_images(log):
    """How many images a job worked on, by the last line of its log; None if it does not say."""
    if not os.path.exists(log):
        return None
    with open(log, "rb") as file:
        file.seek(max(0, os.path.getsize(log) - TAIL_BYTES))
        said = DONE.search(file.read().decode("utf-8", errors="replace"))
    return int(said[1]) if said else None


def _make_row(place, measured, n):
    rule, _, *about = place.parts
    shard = int(about[-1]) if rule in SHARDED else None
    model = "/".join(about if shard is None else about[:-1]) or None
    seconds = float(measured["s"])
    return {
        "rule": rule,
        "job": "/".join(about),
        "model": model,
        "shard": shard,
        "seconds": seconds,
        "cpu_seconds": _parse_number(measured["cpu_time"]),
        "peak_memory": _parse_number(measured["max_rss"]),
        "n_images": n,
        "images_per_second": n / seconds if n is not None and seconds else None,
    }


def _parse_number(text):
    """A measured number; None where a job was too short to be measured."""
    try:
        return float(text)
    except ValueError:
        return None
