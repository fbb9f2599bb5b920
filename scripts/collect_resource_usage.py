"""Time and memory of the jobs of a study, in one table."""

from collections.abc import Sequence

from nearkin.runtime import resource_usage
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.reuse import earlier_path, keep_for_reuse
from nearkin.tables.resource_usage import ResourceUsage


def collect_resource_usage(
    resource_usage_path: str,
    *,
    benchmarks: str,
    logs: str,
    names: Sequence[str],
    n_shards: int,
    n_chunks: int,
    dataset: str,
) -> None:
    """Jobs without a benchmark file here (when only results were copied) keep their earlier rows."""
    measured = resource_usage.read_benchmarks(benchmarks, logs, dataset=dataset)
    kept = tables.read_if_current(earlier_path(resource_usage_path), ResourceUsage).join(
        measured, on=["rule", "job"], how="anti"
    )
    current = resource_usage.keep_current_jobs(
        measured.vstack(kept), names=names, n_shards=n_shards, n_chunks=n_chunks
    )
    tables.write(current, resource_usage_path, ResourceUsage, dataset=dataset)
    keep_for_reuse(resource_usage_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    collect_resource_usage(
        resource_usage_path=snakemake.output.resource_usage,
        benchmarks="logs/resource_usage",
        logs="logs",
        names=snakemake.params.names,
        n_shards=snakemake.params.n_shards,
        n_chunks=snakemake.params.n_chunks,
        dataset=snakemake.wildcards.dataset,
    )
