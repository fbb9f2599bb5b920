"""Unit vectors of a shard's images, reusing those of an earlier run."""

import hashlib
import json
import logging
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np
import polars as pl
from tqdm import tqdm

from nearkin.embeddings.shard_files import ROW_GROUP_ROWS, ExistingShard
from nearkin.encoders.encoder import Encoder
from nearkin.images.source import ImageSource
from nearkin.runtime.prefetch import prefetch

logger = logging.getLogger(__name__)

Item = TypeVar("Item")

PREFETCH_BATCHES = {"cpu": 0, "cuda": 2, "mps": 2}
"""Batches read while a device computes; on a CPU its cores would wait for the one that reads."""

EXACT_SETTINGS = {"precision": "fp32", "decode": "exact"}


def fingerprint_embeddings(encoder: Encoder, decode: str) -> str:
    """The fingerprint of embeddings: the encoder's own, unless the settings differ from EXACT_SETTINGS."""
    settings = {"precision": encoder.precision, "decode": decode}
    if settings == EXACT_SETTINGS:
        return encoder.fingerprint
    return hashlib.sha256(json.dumps([encoder.fingerprint, settings], sort_keys=True).encode()).hexdigest()


def embed_pixels(
    encoder: Encoder, pixels: ImageSource, *, batch_size: int, cached: ExistingShard | None, model: str
) -> Iterator[pl.DataFrame]:
    """The `Embeddings` of a source of pixels, in tables of ROW_GROUP_ROWS rows, ordered by uuid.

    `cached` are embeddings computed in the same way, if there are any: rows of the same image with
    the same bytes are reused. The encoder always gets `batch_size` images, the last batch filled up
    with black ones, so that no vector depends on the shard it is in. While a GPU computes, a thread
    reads the next two batches. `model` names the encoder in errors. Raises ValueError for a vector
    that is not finite or zero, naming the image.
    """
    if pixels.geometry != encoder.description.geometry:
        raise ValueError(
            f"pixels are {pixels.geometry}, but model {model!r} needs {encoder.description.geometry}"
        )
    known_rows = np.full(len(pixels), -1) if cached is None else cached.find_rows(pixels)  # -1: not in it
    missing = np.flatnonzero(known_rows < 0)
    computed = _compute_vectors(encoder, pixels, missing, batch_size=batch_size, model=model)
    for start in range(0, max(len(pixels), 1), ROW_GROUP_ROWS):
        part = slice(start, start + ROW_GROUP_ROWS)
        vectors = np.empty((len(known_rows[part]), encoder.width), dtype=np.float32)
        is_new = known_rows[part] < 0
        if is_new.any():
            vectors[is_new] = list(islice(computed, int(is_new.sum())))
        if cached is not None and not is_new.all():
            vectors[~is_new] = cached.read_vectors(known_rows[part][~is_new])
        yield pl.DataFrame(
            {
                "uuid": pl.Series(pixels.uuids[part], dtype=pl.String),
                "sha256": pl.Series(pixels.sha256s[part], dtype=pl.String),
                "emb": pl.Series(vectors, dtype=pl.Array(pl.Float32, encoder.width)),
            }
        )
    n_new, n_reused = len(missing), len(pixels) - len(missing)
    counts = {"images embedded": n_new, "reused": n_reused}
    logger.info("embedded %d, reused %d", n_new, n_reused, extra={"counts": counts})


def _compute_vectors(
    encoder: Encoder, pixels: ImageSource, rows: np.ndarray, *, batch_size: int, model: str
) -> Iterator[np.ndarray]:
    """The vectors of the images in `rows`, one by one."""
    batches = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    images = (encoder.pin(_pad_batch(pixels.read_batch(part), batch_size)) for part in batches)
    if n := PREFETCH_BATCHES[encoder.device.type]:
        images = prefetch(images, n)
    pending = _delay_by_one(encoder.launch(block) for block in images)
    with tqdm(total=len(rows), desc="embed", unit="image", disable=None) as bar:
        for part, features in zip(batches, pending, strict=True):
            vectors = encoder.collect(features)[: len(part)]
            _check_vectors(vectors, part, pixels, model)
            yield from vectors
            bar.update(len(part))


def _delay_by_one(items: Iterable[Item]) -> Iterator[Item]:
    """The items of an iterable, each after the next one was made, so that a GPU always has work."""
    waiting: deque[Item] = deque()
    for item in items:
        waiting.append(item)
        if len(waiting) == 2:
            yield waiting.popleft()
    yield from waiting


def _pad_batch(images: np.ndarray, batch_size: int) -> np.ndarray:
    """Images filled up to a whole batch with black ones."""
    if len(images) == batch_size:
        return images
    return np.concatenate([images, np.zeros((batch_size - len(images), *images.shape[1:]), dtype=np.uint8)])


def _check_vectors(vectors: np.ndarray, rows: np.ndarray, pixels: ImageSource, model: str) -> None:
    is_finite = np.isfinite(vectors).all(axis=1)
    for is_valid, what in [(is_finite, "is not finite"), (vectors.any(axis=1), "is zero")]:
        if not is_valid.all():
            image = pixels.uuids[int(rows[np.argmin(is_valid)])]
            raise ValueError(f"the embedding of image {image} by model {model!r} {what}; use other weights")
