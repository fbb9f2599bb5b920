"""Unit vectors of a shard's images, those already known taken over."""

import hashlib
import json
import logging
from collections import deque
from itertools import islice

import numpy as np
import polars as pl
from tqdm import tqdm

from nearkin.embeddings.shard_files import ROW_GROUP_ROWS
from nearkin.runtime.prefetch import prefetch

logger = logging.getLogger(__name__)

PREFETCH_BATCHES = {"cpu": 0, "cuda": 2, "mps": 2}
"""Batches read while a device computes; on a CPU its cores would wait for the one that reads."""

EXACT_SETTINGS = {"precision": "fp32", "decode": "exact"}


def fingerprint_embeddings(encoder, decode):
    """The fingerprint of embeddings: the encoder's own, unless something of EXACT was given up for speed."""
    way = {"precision": encoder.precision, "decode": decode}
    if way == EXACT_SETTINGS:
        return encoder.fingerprint
    return hashlib.sha256(json.dumps([encoder.fingerprint, way], sort_keys=True).encode()).hexdigest()


def embed_pixels(encoder, pixels, *, batch_size, known, model):
    """The `embeddings` of a source of pixels under an encoder, in tables of ROWS rows, ordered by uuid.

    `known` is a `ExistingShard` of embeddings computed in the same way (or None): its rows are taken
    over where image and bytes are the same. The encoder always sees `batch_size` images, the last
    batch filled up with black ones, so that no vector depends on the shard it is in. While a GPU
    computes, a thread reads the next two batches. `model` names the encoder in errors. Raises
    ValueError for a vector that is not finite or zero, naming the image.
    """
    if pixels.geometry != encoder.description.geometry:
        raise ValueError(
            f"pixels are {pixels.geometry}, but model {model!r} needs {encoder.description.geometry}"
        )
    taken = np.full(len(pixels), -1) if known is None else known.find_rows(pixels)  # where in `known`
    missing = np.flatnonzero(taken < 0)
    computed = _compute_vectors(encoder, pixels, missing, batch_size=batch_size, model=model)
    for start in range(0, max(len(pixels), 1), ROW_GROUP_ROWS):
        part = slice(start, start + ROW_GROUP_ROWS)
        vectors = np.empty((len(taken[part]), encoder.width), dtype=np.float32)
        new = taken[part] < 0
        if new.any():
            vectors[new] = list(islice(computed, int(new.sum())))
        if not new.all():
            vectors[~new] = known.read_vectors(taken[part][~new])
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


def _compute_vectors(encoder, pixels, rows, *, batch_size, model):
    """The vectors of `rows`, one by one."""
    batches = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    images = (encoder.pin(_pad_batch(pixels.read_batch(part), batch_size)) for part in batches)
    if n := PREFETCH_BATCHES[encoder.device.type]:
        images = prefetch(images, n)
    begun = _delay_by_one(encoder.launch(block) for block in images)
    with tqdm(total=len(rows), desc="embed", unit="image", disable=None) as done:
        for part, features in zip(batches, begun, strict=True):
            vectors = encoder.collect(features)[: len(part)]
            _check_vectors(vectors, part, pixels, model)
            yield from vectors
            done.update(len(part))


def _delay_by_one(items):
    """The items of an iterable, each handed on when the next one is there: no GPU waits for its next work."""
    before = deque()
    for item in items:
        before.append(item)
        if len(before) == 2:
            yield before.popleft()
    yield from before


def _pad_batch(images, batch_size):
    """Images as a batch of full size, the rest of it black."""
    if len(images) == batch_size:
        return images
    return np.concatenate([images, np.zeros((batch_size - len(images), *images.shape[1:]), dtype=np.uint8)])


def _check_vectors(vectors, rows, pixels, model):
    finite = np.isfinite(vectors).all(axis=1)
    for right, what in [(finite, "is not finite"), (vectors.any(axis=1), "is zero")]:
        if not right.all():
            image = pixels.uuids[int(rows[np.argmin(right)])]
            raise ValueError(f"the embedding of image {image} by model {model!r} {what}; use other weights")
