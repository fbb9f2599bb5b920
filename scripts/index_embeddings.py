"""The list of a model's shards of embeddings, which whatever needs all of them reads first."""

from nearkin.embeddings.shard_index import write_index
from nearkin.runtime.logs import setup_logging
from nearkin.storage.lineage import trace_inputs

if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        write_index(snakemake.input.embeddings, snakemake.output.shards)
