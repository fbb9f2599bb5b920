"""Unit vectors of a shard's images, those already known taken over."""

import logging

import numpy as np
import polars as pl
from tqdm import tqdm

logger = logging.getLogger(__name__)


def embed(encoder, pixels, *, batch, known, model):
    """The `embeddings` table of a pixel store under an encoder.

    `known` is an earlier table of the same encoder computed in the same way (or None): its
    rows are taken over where image and bytes are the same. The encoder always sees `batch`
    images, the last batch filled up with black ones, so that no vector depends on the shard
    it is in. `model` names the encoder in errors. Raises ValueError for a vector that is not
    finite or zero, naming the image.
    """
    if pixels.geometry != encoder.description.geometry:
        raise ValueError(
            f"pixels are {pixels.geometry}, but model {model!r} needs {encoder.description.geometry}"
        )
    vectors = np.empty((len(pixels), encoder.width), dtype=np.float32)
    missing = np.setdiff1d(np.arange(len(pixels)), _take_over(vectors, pixels, known))
    block = None
    with tqdm(total=len(missing), desc="embed", unit="image", disable=None) as done:
        for start in range(0, len(missing), batch):
            rows = missing[start : start + batch]
            images = pixels.take(rows)
            if block is None:
                block = np.zeros((batch, *images.shape[1:]), dtype=np.uint8)
            block[: len(rows)], block[len(rows) :] = images, 0
            vectors[rows] = _checked(encoder.embed(block)[: len(rows)], rows, pixels, model)
            done.update(len(rows))
    logger.info("embedded %d, reused %d", len(missing), len(pixels) - len(missing))
    return pl.DataFrame(
        {
            "uuid": pl.Series(pixels.uuids, dtype=pl.String),
            "sha256": pl.Series(pixels.sha256s, dtype=pl.String),
            "emb": pl.Series(vectors, dtype=pl.Array(pl.Float32, encoder.width)),
        }
    )


def _take_over(vectors, pixels, known):
    """Fill in what is known; returns the rows filled in."""
    if known is None or known.schema["emb"] != pl.Array(pl.Float32, vectors.shape[1]):
        return []
    rows = [pixels.row_of(*key) for key in known.select("uuid", "sha256").iter_rows()]
    kept = [position for position, row in enumerate(rows) if row is not None]
    rows = [rows[position] for position in kept]
    if rows:
        vectors[rows] = known["emb"].gather(kept).to_numpy()
    return rows


def _checked(vectors, rows, pixels, model):
    finite = np.isfinite(vectors).all(axis=1)
    for right, what in [(finite, "is not finite"), (vectors.any(axis=1), "is zero")]:
        if not right.all():
            image = pixels.uuids[rows[int(np.argmin(right))]]
            raise ValueError(f"the embedding of image {image} by model {model!r} {what}; use other weights")
    return vectors
