"""The text tower of a model that is taken as it is, for captions."""

from nearkin.encoders.text import prepare_text_encoder
from nearkin.runtime.logs import setup_logging
from nearkin.storage.lineage import trace_inputs

if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input, outside=snakemake.params.outside):
        prepare_text_encoder(snakemake.params.model, snakemake.output.encoder)
