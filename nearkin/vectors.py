"""Embeddings read into one matrix, checked before anything is computed from them."""

import numpy as np
import polars as pl

from nearkin.tables import io


def read_vectors(paths, wanted):
    """The unit vectors of the images `wanted` (sorted uuids): float32, (n_images, width).

    `paths` are the shards of one model's embeddings. Raises ValueError for an image without
    an embedding, a NaN, a vector that is not of unit length, or shards of two encoders.
    """
    stamps = {path: io.metadata(path).get("fingerprint") for path in paths}
    if len(set(stamps.values())) > 1:
        raise ValueError(f"embeddings of several encoders in one table: {stamps}; remove them and rerun")
    wanted = pl.Series("uuid", wanted, dtype=pl.String)
    position = pl.DataFrame({"uuid": wanted, "position": np.arange(len(wanted))})
    vectors, filled = None, np.zeros(len(wanted), dtype=bool)
    for path in paths:
        frame = pl.read_parquet(path, columns=["uuid", "emb"]).join(position, on="uuid")
        block = frame["emb"].to_numpy()
        if vectors is None:
            vectors = np.empty((len(wanted), frame.schema["emb"].size), dtype=np.float32)
        where = frame["position"].to_numpy()
        _check(block, frame["uuid"], path)
        vectors[where], filled[where] = block, True
    if not filled.all():
        first = wanted.filter(pl.Series(~filled))[0]
        raise ValueError(
            f"{(~filled).sum()} images have no embedding, the first is {first} (in {paths[0]} etc.)"
        )
    return vectors


def _check(block, uuids, path):
    if len(block) == 0:
        return
    length = np.linalg.norm(block.astype(np.float64), axis=1)
    for wrong, what in [
        (~np.isfinite(length), "is not finite"),
        (abs(length - 1) > 1e-3, "has not unit length"),
    ]:
        if wrong.any():
            raise ValueError(
                f"{path}: the embedding of image {uuids[int(wrong.argmax())]} {what}: rerun embed_images"
            )
