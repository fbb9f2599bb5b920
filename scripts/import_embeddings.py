"""The unit vectors of a shard's images, from a table made elsewhere."""

from typing import cast

import polars as pl

from nearkin.embeddings import external, shard_files
from nearkin.runtime.logs import setup_logging
from nearkin.sources import errors
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.images import Inspection


def import_embeddings(
    table_path: str, inspection_path: str, embeddings_path: str, *, dataset: str, model: str
) -> None:
    with errors.name_errors(table_path, "a Parquet table"):
        table = pl.read_parquet(table_path, glob=False)
    inspection = tables.read(inspection_path, Inspection)
    result = external.import_vectors(table, inspection, source=table_path)
    metadata = {"dataset": dataset, "model": model}
    metadata["fingerprint"] = external.fingerprint_table(table, source=table_path)
    width = cast(pl.Array, result.schema["emb"]).size
    shard_files.write_shard(
        result.iter_slices(shard_files.ROW_GROUP_ROWS), embeddings_path, width=width, **metadata
    )


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input, outside=snakemake.params.outside, part=True):
        import_embeddings(
            table_path=snakemake.input.table,
            inspection_path=snakemake.input.inspection,
            embeddings_path=snakemake.output.embeddings,
            dataset=snakemake.wildcards.dataset,
            model=snakemake.wildcards.model,
        )
