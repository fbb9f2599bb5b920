"""The exact nearest neighbours of every query of every protocol."""

import polars as pl

from nearkin import protocols
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.neighbours import Neighbours
from nearkin.tables.splits import Splits
from nearkin.vectors import read_vectors


def find_neighbours(embeddings_paths, splits_path, neighbours_path, *, wanted, depth, mask_groups, stamps):
    splits = io.read(splits_path, Splits)
    uuids = splits["uuid"].to_list()
    vectors = read_vectors(embeddings_paths, uuids)
    found = [
        protocols.find(uuids, vectors, splits, protocol=protocol, depth=depth, mask_groups=mask_groups)
        for protocol in wanted
    ]
    fingerprint = io.metadata(embeddings_paths[0]).get("fingerprint")
    io.write(pl.concat(found), neighbours_path, Neighbours, fingerprint=fingerprint, **stamps)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    find_neighbours(
        embeddings_paths=snakemake.input.embeddings,
        splits_path=snakemake.input.splits,
        neighbours_path=snakemake.output.neighbours,
        wanted=snakemake.params.protocols,
        depth=snakemake.params.depth,
        mask_groups=snakemake.params.mask_groups,
        stamps=dict(snakemake.wildcards.items()),
    )
