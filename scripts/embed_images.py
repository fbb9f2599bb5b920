"""The unit vectors of a shard's images under one encoder."""

import logging
from pathlib import Path

import torch

from nearkin.embedding import embed
from nearkin.encoders.encoder import load_encoder
from nearkin.logs import log_to
from nearkin.pixels import Pixels
from nearkin.tables import io
from nearkin.tables.embeddings import embeddings

logger = logging.getLogger("embed_images")


def embed_images(
    weights_path, description_path, pixels_path, embeddings_path, *, batch, arithmetic_threads, dataset, model
):
    torch.set_num_threads(arithmetic_threads)
    encoder = load_encoder(weights_path, description_path)
    schema = embeddings(encoder.width)
    stamps = {"dataset": dataset, "model": model, "fingerprint": encoder.fingerprint}
    # What else decides the last bits: vectors computed in another way are not taken over.
    stamps["arithmetic"] = f"{encoder.arithmetic}, batch {batch}"
    known = read_known(embeddings_path, schema, stamps)
    table = embed(encoder, Pixels(pixels_path), batch=batch, known=known, model=model)
    io.write(table, embeddings_path, schema, **stamps)


def read_known(path, schema, stamps):
    """An earlier table of the same encoder, computed in the same way; None if there is none."""
    try:
        if Path(path).exists() and stamps.items() <= io.metadata(path).items():
            return io.read(path, schema)
    except Exception as error:  # damaged in whatever way: it is made anew
        logger.warning("not reused: %s: %s", path, error)
    return None


if __name__ == "__main__":
    log_to(snakemake.log[0])
    embed_images(
        weights_path=snakemake.input.weights,
        description_path=snakemake.input.description,
        pixels_path=snakemake.input.pixels[0],
        embeddings_path=snakemake.output.embeddings,
        batch=snakemake.params.batch,
        arithmetic_threads=snakemake.params.arithmetic_threads,
        dataset=snakemake.wildcards.dataset,
        model=snakemake.wildcards.model,
    )
