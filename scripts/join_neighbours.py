"""The neighbours of all queries of a model in one table."""

from collections.abc import Sequence

import polars as pl

from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.neighbours import Neighbours
from nearkin.vocabulary import PROTOCOL_SPLITS


def join_neighbours(chunks_paths: Sequence[str], neighbours_path: str) -> None:
    """Each chunk has a part of the queries of every protocol, in order, so nothing has to be sorted."""
    chunks = [tables.scan([path], Neighbours) for path in chunks_paths]
    in_order = [chunk.filter(protocol=protocol) for protocol in sorted(PROTOCOL_SPLITS) for chunk in chunks]
    metadata = {
        key: tables.read_metadata(chunks_paths[0]).get(key) for key in ("dataset", "model", "fingerprint")
    }
    tables.write_lazy(pl.concat(in_order), neighbours_path, Neighbours, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        join_neighbours(chunks_paths=snakemake.input.chunks, neighbours_path=snakemake.output.neighbours)
