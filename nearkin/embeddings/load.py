"""Embeddings read into one matrix, checked before anything is computed from them."""

import numpy as np
import polars as pl

from nearkin.embeddings.shard_files import iter_row_groups


def read_vectors(paths, wanted):
    """The unit vectors of the images `wanted` (sorted uuids): float32, (n_images, width).

    `paths` are the shards of one model's embeddings. Raises ValueError for an image without
    an embedding, a NaN, a vector that is not of unit length, or a shard that is not what was written.
    """
    wanted = pl.Series("uuid", wanted, dtype=pl.String)
    vectors, filled = None, np.zeros(len(wanted), dtype=bool)
    for path in paths:
        for part in iter_row_groups(path):
            block = part["emb"].to_numpy()
            if vectors is None:
                vectors = np.empty((len(wanted), block.shape[1]), dtype=np.float32)
            if len(wanted) == 0:
                continue
            position = wanted.search_sorted(part["uuid"]).to_numpy().clip(max=len(wanted) - 1)
            asked = (wanted.gather(position) == part["uuid"]).to_numpy()
            _check_unit_norm(block[asked], part["uuid"].filter(pl.Series(asked)), path)
            vectors[position[asked]], filled[position[asked]] = block[asked], True
    if not filled.all():
        first = wanted.filter(pl.Series(~filled))[0]
        raise ValueError(
            f"{(~filled).sum()} images have no embedding, the first is {first} (in {paths[0]} etc.)"
        )
    return vectors


def _check_unit_norm(block, uuids, path):
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
