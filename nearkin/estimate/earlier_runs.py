"""What jobs took in the runs whose results or benchmark files lie in this folder."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from nearkin.estimate import counts
from nearkin.estimate.stages import NETWORK_RULES, UNITS, Network, Size, count_search
from nearkin.runtime.resource_usage import read_benchmarks
from nearkin.storage import tables
from nearkin.tables.resource_usage import ResourceUsage


class Rate(NamedTuple):
    """What earlier jobs took for one unit of work, and how much work they did."""

    seconds: float
    n_units: float
    largest_job: float  # its units
    memory: float | None  # bytes, of the job that needed most
    datasets: list[str]


def read_jobs(results: str | Path, logs: str | Path, *, protocols: Sequence[str]) -> pl.DataFrame:
    """The timed jobs of all datasets: `dataset`, `n_units` and the columns of `ResourceUsage`.

    `n_units` is null where nobody knows it any more. A search is taken to have had these `protocols`.
    """
    benchmarks = Path(logs, "resource_usage")
    names = {path.parent.name for path in Path(results).glob("*/resource_usage.parquet")}
    names |= {path.name.removesuffix(".tsv") for path in benchmarks.glob("*/*")}
    schema = ResourceUsage.create_empty().schema | {"dataset": pl.String(), "n_units": pl.Float64()}
    datasets = [pl.DataFrame(schema=schema)]
    for name in sorted(names):
        collected = tables.read_if_current(Path(results, name, "resource_usage.parquet"), ResourceUsage)
        measured = read_benchmarks(benchmarks, logs, dataset=name)
        jobs = measured.vstack(collected).unique(["rule", "job"], keep="first", maintain_order=True)
        n_units = _count_units(read_size(Path(results, name)), protocols)
        datasets.append(jobs.with_columns(dataset=pl.lit(name), n_units=n_units))
    return pl.concat(datasets)


def read_size(folder: Path) -> Size | None:
    """The size of a dataset with results; None if it has none any more."""
    images, splits = folder / "images.parquet", folder / "splits.parquet"
    if not images.exists():
        return None
    n_by_split = (
        pl.scan_parquet(splits, glob=False).group_by("split").len().collect() if splits.exists() else None
    )
    return Size(counts.count_listed(images), dict(n_by_split.iter_rows()) if n_by_split is not None else {})


def _count_units(size: Size | None, protocols: Sequence[str]) -> pl.Expr:
    """How much work each job of a dataset did: what it counted itself, or its part of the dataset."""
    n_queries, n_pairs, _ = count_search(size.splits if size else {}, protocols, depth=1)
    gallery = n_pairs / n_queries if n_queries else None  # images that a query is compared with, on average
    counted = [rule for rule, unit in UNITS.items() if unit.startswith("images")]
    of_models = [rule for rule, unit in UNITS.items() if unit == "models"]
    n_images = pl.lit(size.n_images if size else None, dtype=pl.Float64)
    return (
        pl.when(pl.col("rule").is_in(counted))
        .then(pl.col("n_images"))
        .when(rule="search_neighbours")
        .then(pl.col("n_images") * pl.lit(gallery, dtype=pl.Float64))
        .when(pl.col("rule").is_in(of_models))
        .then(1)
        .otherwise(n_images / pl.len().over("rule", "model"))
        .cast(pl.Float64)
    )


def find_rate(jobs: pl.DataFrame, rule: str, *, dataset: str, alike: Collection[str]) -> Rate | None:
    """The rate of the earlier jobs of a rule that tell most about planned ones; None if there are none.

    These are jobs of the same dataset with a model that is `alike`, else of other datasets with such a
    model, else with whatever model, unless the rule is one of NETWORK_RULES. Jobs that did nothing
    new have no rate.
    """
    own, with_alike = pl.col("dataset") == dataset, pl.col("model").is_in(list(alike))
    choices = [own & with_alike, with_alike]
    if rule not in NETWORK_RULES:
        choices += [own, pl.lit(True)]
    jobs = jobs.filter(pl.col("rule") == rule, pl.col("n_units") > 0, pl.col("seconds") > 0)
    for choice in choices:
        chosen = jobs.filter(choice)
        if len(chosen):
            measures = chosen.select(
                seconds=pl.col("seconds").sum() / pl.col("n_units").sum(),
                n_units=pl.col("n_units").sum(),
                largest_job=pl.col("n_units").max(),
                memory=pl.col("peak_memory").max() * 2**20,
                datasets=pl.col("dataset").unique().sort().implode(),
            )
            return Rate(**measures.row(0, named=True))
    return None


def read_network(results: str | Path, alike: Collection[str]) -> Network:
    """The network of the first of these models for which an earlier run has made an encoder."""
    for name in alike:
        for path in sorted(Path(results).glob(f"*/{name}/encoder/encoder.json")):
            description = json.loads(path.read_text(encoding="utf-8"))
            return Network(description["width"], description["parameters"])
    return Network()
