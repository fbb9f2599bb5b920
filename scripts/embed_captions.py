"""The unit vectors of all captions under the text tower of a model."""

from collections.abc import Mapping

import polars as pl
import torch

from nearkin.encoders.text import load_text_encoder
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.embeddings import make_caption_embeddings_schema
from nearkin.tables.labels import Captions


def embed_captions(
    encoder_path: str,
    captions_path: str,
    embeddings_path: str,
    *,
    encoder_threads: int,
    metadata: Mapping[str, str],
) -> None:
    torch.set_num_threads(encoder_threads)
    encoder = load_text_encoder(encoder_path)
    captions = tables.read(captions_path, Captions, ["uuid", "caption"])
    texts = captions["caption"].unique().sort()
    vectors = encoder.embed(texts.to_list())[texts.search_sorted(captions["caption"]).to_numpy()]
    table = captions.select("uuid", emb=pl.Series(vectors, dtype=pl.Array(pl.Float32, encoder.width)))
    tables.write(
        table,
        embeddings_path,
        make_caption_embeddings_schema(encoder.width),
        fingerprint=encoder.fingerprint,
        **metadata,
    )


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        embed_captions(
            encoder_path=snakemake.input.encoder,
            captions_path=snakemake.input.captions,
            embeddings_path=snakemake.output.embeddings,
            encoder_threads=snakemake.params.encoder_threads,
            metadata=dict(snakemake.wildcards.items()),
        )
