"""The text tower of a model that is taken as it is, for captions."""

from nearkin.encoders.text import prepare_text_encoder
from nearkin.runtime.logs import setup_logging
from nearkin.storage.lineage import traced

if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with traced(snakemake.input, outside=snakemake.params.outside):
        prepare_text_encoder(snakemake.params.model, snakemake.output.encoder)
