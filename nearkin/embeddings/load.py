"""Embeddings read into one matrix, checked before anything is computed from them."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from nearkin.embeddings.shard_files import iter_row_groups


def read_vectors(paths: Sequence[str | Path], uuids: Sequence[str] | pl.Series) -> np.ndarray:
    """The unit vectors of the images with these sorted uuids: float32, (n_images, width).

    `paths` are the shards of one model's embeddings, at least one. Raises ValueError for an image
    without an embedding, a NaN, a vector that is not of unit length, or a damaged shard.
    """
    wanted = pl.Series("uuid", uuids, dtype=pl.String)
    vectors, is_filled = None, np.zeros(len(wanted), dtype=bool)
    for path in paths:
        for part in iter_row_groups(path):
            block = part["emb"].to_numpy()
            if vectors is None:
                vectors = np.empty((len(wanted), block.shape[1]), dtype=np.float32)
            if len(wanted) == 0:
                continue
            position = wanted.search_sorted(part["uuid"]).to_numpy().clip(max=len(wanted) - 1)
            is_wanted = (wanted.gather(position) == part["uuid"]).to_numpy()
            _check_unit_norm(block[is_wanted], part["uuid"].filter(pl.Series(is_wanted)), path)
            vectors[position[is_wanted]], is_filled[position[is_wanted]] = block[is_wanted], True
    if not is_filled.all():
        first = wanted.filter(pl.Series(~is_filled))[0]
        raise ValueError(
            f"{(~is_filled).sum()} images have no embedding, the first is {first} (in {paths[0]} etc.)"
        )
    return cast(np.ndarray, vectors)  # every shard has a part, even if it has no rows


def _check_unit_norm(block: np.ndarray, uuids: pl.Series, path: str | Path) -> None:
    if len(block) == 0:
        return
    length = np.linalg.norm(block.astype(np.float64), axis=1)
    for is_wrong, what in [
        (~np.isfinite(length), "is not finite"),
        (abs(length - 1) > 1e-3, "has not unit length"),
    ]:
        if is_wrong.any():
            raise ValueError(
                f"{path}: the embedding of image {uuids[int(is_wrong.argmax())]} {what}: rerun embed_images"
            )
