"""The list of a model's shards of embeddings, which whatever needs all of them reads first."""

from nearkin.embeddings.shard_index import list_shards
from nearkin.runtime.logs import log_to
from nearkin.storage.lineage import traced

if __name__ == "__main__":
    log_to(snakemake.log[0])
    with traced(snakemake.input):
        list_shards(snakemake.input.embeddings, snakemake.output.shards)
