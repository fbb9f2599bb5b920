"""Print what a run would do and cost, without doing it: `make estimate CONFIG=config/config.yaml`.

A dry run of Snakemake gives the jobs; rates are those of earlier runs in this folder.
"""

import argparse
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl
import yaml

from nearkin.driver.config import resolve_config
from nearkin.driver.config_types import Config
from nearkin.driver.dry_run import run_dry
from nearkin.driver.planned_jobs import Job, parse_dry_run
from nearkin.estimate import counts, earlier_runs, stages
from nearkin.estimate.table import (
    NEVER_TIMED,
    NO_BENCHMARK,
    NO_SIZE,
    Line,
    format_rate,
    format_size,
    format_table,
    format_work,
    list_remarks,
)
from nearkin.runtime.memory import available_memory

SCHEMA = Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"


def count_dataset(name: str, config: Config, jobs: Iterable[Job]) -> stages.Size | None:
    """The size of a dataset before a run; None if it is unknown because the images are not there yet."""
    settings, images = config["datasets"][name], Path(f"results/{name}/images.parquet")
    source = settings["source"]
    if images.exists() and all(job.rule != "list_images" for job in jobs):
        n_images = counts.count_listed(images)
    else:
        n_images = counts.count_images(source, source.get("folder", ""))
    if n_images is None:
        return None
    return stages.Size(n_images, stages.count_by_split(n_images, settings["split"]))


def estimate_dataset(
    name: str, config: Config, jobs: Iterable[Job], earlier: pl.DataFrame, *, cores: int
) -> Iterator[Line]:
    """A line for each rule and model of a dataset's planned jobs, in their order."""
    jobs = [job for job in jobs if job.wildcards.get("dataset") == name]
    size = count_dataset(name, config, jobs)
    by_stage: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        by_stage.setdefault((job.rule, name_model(job)), []).append(job)
    for (_, model), planned in by_stage.items():
        yield estimate_stage(name, model, config, planned, size, earlier, cores=cores)


def estimate_stage(
    dataset: str,
    model: str,
    config: Config,
    jobs: Sequence[Job],
    size: stages.Size | None,
    earlier: pl.DataFrame,
    *,
    cores: int,
) -> Line:
    """The line of all jobs of a rule for one model: as long as earlier jobs took for as much work."""
    rule, n_jobs = jobs[0].rule, len(jobs)
    line = Line(rule, f"{dataset} {model}".strip(), n_jobs, unit=stages.UNITS.get(rule, "images"))
    if size is None:
        return line._replace(source=NO_SIZE)
    alike = stages.find_alike(rule, model, config["models"])
    share = n_jobs / stages.count_parts(rule, config)
    n_units = share * stages.count_units(rule, model, size, config)
    network = earlier_runs.read_network("results", alike)
    n_bytes = share * stages.count_bytes(rule, model, size, config, network)
    line = line._replace(n_units=n_units, n_bytes=n_bytes)
    rate = earlier_runs.find_rate(earlier, rule, dataset=dataset, alike=alike)
    if rate is None:
        return line._replace(source=NEVER_TIMED if jobs[0].benchmark else NO_BENCHMARK)
    return line._replace(
        seconds=elapsed(n_units * rate.seconds, n_jobs, threads=jobs[0].threads, cores=cores),
        memory=rate.memory,
        scale=n_units / n_jobs / rate.largest_job,
        source=f"{', '.join(rate.datasets)}: {format_work(rate.n_units, line.unit)}, "
        + format_rate(rate.seconds, line.unit),
    )


def name_model(job: Job) -> str:
    """What a job works on in its dataset, as in `ResourceUsage`: a model, a preprocessing, two models."""
    return "/".join(value for key, value in job.wildcards.items() if key not in ("dataset", "shard", "chunk"))


def elapsed(work: float, n_jobs: int, *, threads: int, cores: int) -> float:
    """Seconds for parallel jobs of `threads` threads each, which take `work` seconds one after another.

    >>> elapsed(100.0, 4, threads=2, cores=4), elapsed(100.0, 1, threads=2, cores=4)
    (50.0, 100.0)
    """
    return work / max(1, min(n_jobs, cores // threads))


def main() -> None:
    """Print the estimate of the config on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--configfile", required=True)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    options = parser.parse_args()
    logging.disable()
    jobs = parse_dry_run(run_dry(options.configfile, "--cores", str(options.cores)))
    if not jobs:
        print("Nothing is left to do.")
        return
    config = resolve_config(
        yaml.safe_load(Path(options.configfile).read_text(encoding="utf-8")),
        yaml.safe_load(SCHEMA.read_text(encoding="utf-8")),
    )
    earlier = earlier_runs.read_jobs("results", "logs", protocols=config["search"]["protocols"])
    lines = [
        line
        for name in config["datasets"]
        for line in estimate_dataset(name, config, jobs, earlier, cores=options.cores)
    ]
    free_disk, free_memory = shutil.disk_usage(".").free, available_memory()
    print(format_table(lines))
    print(f"Free: {format_size(free_disk)} of disk, {format_size(free_memory)} of memory")
    for sentence in list_remarks(lines, free_disk=free_disk, free_memory=free_memory):
        print(sentence)


if __name__ == "__main__":
    main()
