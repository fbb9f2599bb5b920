"""What the jobs of a study took, in one table."""

import logging
import os

from nearkin import costs
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.costs import Costs

logger = logging.getLogger(__name__)


def gather_costs(costs_path, *, benchmarks, logs, names, n_shards, n_chunks, dataset):
    """Jobs that left no benchmark file here, say since only results were copied, keep their old rows."""
    measured = costs.gather(benchmarks, logs, dataset=dataset)
    kept = _earlier(costs_path).join(measured, on=["rule", "job"], how="anti")
    found = costs.of_study(measured.vstack(kept), names=names, n_shards=n_shards, n_chunks=n_chunks)
    io.write(found, costs_path, Costs, dataset=dataset)


def _earlier(path):
    """The table of an earlier run, or an empty one if there is none that can be read."""
    if os.path.exists(path):
        try:
            return io.read(path, Costs)
        except ValueError as error:
            logger.warning("not kept: %s", error)
    return Costs.create_empty()


if __name__ == "__main__":
    log_to(snakemake.log[0])
    gather_costs(
        costs_path=snakemake.output.costs,
        benchmarks="logs/costs",
        logs="logs",
        names=snakemake.params.names,
        n_shards=snakemake.params.n_shards,
        n_chunks=snakemake.params.n_chunks,
        dataset=snakemake.wildcards.dataset,
    )
