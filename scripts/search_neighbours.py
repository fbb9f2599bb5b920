"""The exact nearest neighbours of a chunk of the queries of every protocol."""

from collections.abc import Mapping, Sequence
from functools import partial

import polars as pl
import torch

from nearkin.embeddings.load import read_vectors
from nearkin.embeddings.shard_index import read_index
from nearkin.runtime.logs import setup_logging
from nearkin.search import search
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.neighbours import Neighbours
from nearkin.tables.splits import Splits


def search_neighbours(
    shards_path: str,
    splits_path: str,
    neighbours_path: str,
    *,
    protocols: Sequence[str],
    depth: int,
    exclude_same_group: bool,
    chunk: int,
    n_chunks: int,
    threads: int,
    metadata: Mapping[str, str],
) -> None:
    torch.set_num_threads(threads)
    splits = tables.read(splits_path, Splits)
    paths, fingerprint = read_index(shards_path)
    vectors_of = partial(read_vectors, paths)
    settings = {
        "depth": depth,
        "exclude_same_group": exclude_same_group,
        "chunk": chunk,
        "n_chunks": n_chunks,
    }
    parts = [
        search.search_protocol(splits, vectors_of, protocol=protocol, **settings) for protocol in protocols
    ]
    tables.write(pl.concat(parts), neighbours_path, Neighbours, fingerprint=fingerprint, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        search_neighbours(
            shards_path=snakemake.input.shards,
            splits_path=snakemake.input.splits,
            neighbours_path=snakemake.output.neighbours,
            protocols=snakemake.params.search["protocols"],
            depth=snakemake.params.search["n_neighbours"],
            exclude_same_group=snakemake.params.search["exclude_same_group"],
            chunk=int(snakemake.wildcards.chunk),
            n_chunks=snakemake.params.search["query_chunks"],
            threads=snakemake.threads,
            metadata={name: snakemake.wildcards[name] for name in ("dataset", "model")},
        )
