"""The unit vectors of a shard's images under one encoder."""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch

from nearkin.embeddings import shard_files
from nearkin.embeddings.embed import embed_pixels, fingerprint_embeddings
from nearkin.encoders.encoder import load_encoder
from nearkin.encoders.inference import optimise_for_inference
from nearkin.images.pixel_cache import open_sources
from nearkin.images.source import ImageSource
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import library_versions, trace_inputs
from nearkin.storage.reuse import earlier_path, keep_for_reuse

logger = logging.getLogger("embed_images")


def embed_images(
    weights_path: str,
    description_path: str,
    pixels: ImageSource,
    embeddings_path: str,
    *,
    precision: str,
    batch_size: int,
    encoder_threads: int,
    dataset: str,
    model: str,
) -> None:
    torch.set_num_threads(encoder_threads)
    encoder = optimise_for_inference(load_encoder(weights_path, description_path), precision=precision)
    metadata = {"dataset": dataset, "model": model, "precision": precision, "decode": pixels.decode}
    metadata["fingerprint"] = fingerprint_embeddings(encoder, pixels.decode)
    # What else decides the last bits: vectors computed in another way are not reused.
    metadata["arithmetic"] = f"{encoder.numerics_id}, products by {encoder.products}, batch {batch_size}"
    metadata |= library_versions("pillow", "timm", "open-clip-torch")
    known = open_known(earlier_path(embeddings_path), metadata)
    parts = embed_pixels(encoder, pixels, batch_size=batch_size, cached=known, model=model)
    shard_files.write_shard(parts, embeddings_path, width=encoder.width, **metadata)
    keep_for_reuse(embeddings_path)


def open_known(path: str | Path, metadata: Mapping[str, str]) -> shard_files.ExistingShard | None:
    """An earlier shard of the same encoder, computed in the same way; None if there is none."""
    try:
        if Path(path).exists() and metadata.items() <= tables.read_metadata(path).items():
            return shard_files.ExistingShard(path)
    except Exception as error:  # damaged in whatever way: it is made again
        logger.warning("not reused: %s: %s", path, error)
    return None


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input, part=True):
        (pixels,) = open_sources(
            snakemake.input.pixels,
            [snakemake.input.inspection],
            preprocessing=snakemake.params.preprocessing,
            n_threads=snakemake.threads,
        )
        embed_images(
            weights_path=snakemake.input.weights,
            description_path=snakemake.input.description,
            pixels=pixels,
            embeddings_path=snakemake.output.embeddings,
            precision=snakemake.params.precision or "fp32",  # a histogram has none
            batch_size=snakemake.params.batch_size,
            encoder_threads=snakemake.params.encoder_threads,
            dataset=snakemake.wildcards.dataset,
            model=snakemake.wildcards.model,
        )
