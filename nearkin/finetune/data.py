"""The images for training and for validation, with their classes and species."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from nearkin.images.source import ImageSource

logger = logging.getLogger(__name__)


class TrainingSet(NamedTuple):
    """Images in the order of their uuids: where their pixels are, and label and group as numbers."""

    images: "ImageSubset"
    labels: np.ndarray  # (n,) the classes of training images, the species of validation images
    groups: np.ndarray  # (n,)
    content: list[tuple[str, str, str, str | int, str]]  # (uuid, sha256, decoder, label, group), for a digest


Datasets = tuple[TrainingSet, TrainingSet, int]
"""Training images, validation images, and the number of classes."""


class ImageSubset:
    """Some images of several sources of pixels, by position."""

    def __init__(self, sources: Sequence[ImageSource], locations: np.ndarray) -> None:
        self.sources = sources
        self.locations = np.array(locations, dtype=np.int64).reshape(-1, 2)  # source and row of each

    def __len__(self) -> int:
        return len(self.locations)

    def read_batch(self, rows: np.ndarray, flipped: np.ndarray) -> np.ndarray:
        """uint8 (n, size, size, 3); mirrored where the booleans `flipped` are true."""
        sources, source_rows = self.locations[rows].T
        order = np.argsort(sources, kind="stable")
        parts = [self.sources[i].read_batch(source_rows[sources == i]) for i in np.unique(sources)]
        images = np.concatenate(parts)[np.argsort(order)]
        images[flipped] = images[flipped, :, ::-1]
        return images


def make_datasets(
    classes: pl.DataFrame,
    species: pl.DataFrame,
    splits: pl.DataFrame,
    sources: Sequence[ImageSource],
    *,
    share: float = 1.0,
    seed: int = 0,
) -> Datasets:
    """`(training images, validation images, number of classes)`.

    `classes` and `species` have a `label` for each `uuid`: the class of a training image, and
    the species of a validation image. Images without a label are left out. Of each class a random
    `share` of the training images is used, at least one; it depends on `seed`. `sources` come from
    `nearkin.images.pixel_cache.open_sources`. Raises ValueError if there are fewer than two classes,
    or an image has no pixels.
    """
    train, val = (
        _join_labels(labels, splits.filter(split=split), split)
        for labels, split in ((classes, "train"), (species, "val"))
    )
    if share < 1:
        train = _sample_per_label(train, share, seed)
    names = train["label"].unique()
    if len(names) < 2:
        reason = f"all are {names[0]!r}" if len(names) else "none has a label"
        raise ValueError(
            f"nothing to learn from {len(train)} training images: {reason}; name other finetune.labels, "
            "or see labels.parquet and splits.parquet"
        )
    message = "%d training images of %d classes, %d for validation"
    logger.info(message, len(train), len(names), len(val))
    return _make_dataset(train, sources), _make_dataset(val, sources), len(names)


def _join_labels(labels: pl.DataFrame, images: pl.DataFrame, split: str) -> pl.DataFrame:
    rows = labels.select("uuid", "label").drop_nulls().join(images, on="uuid").sort("uuid")
    if len(rows) < len(images):
        logger.info("%d images of %s have no label and are left out", len(images) - len(rows), split)
    return rows


def _sample_per_label(rows: pl.DataFrame, share: float, seed: int) -> pl.DataFrame:
    """A share of the rows of every label, rounded, in their order; a larger share contains a smaller one."""
    keys = pl.Series("random_key", np.random.default_rng(seed).permutation(len(rows)))
    n_rows = (share * pl.len()).round().clip(1)
    return rows.with_columns(keys).filter(
        pl.col("random_key").rank("ordinal").over("label") <= n_rows.over("label")
    )


def _make_dataset(rows: pl.DataFrame, sources: Sequence[ImageSource]) -> TrainingSet:
    locations = pl.concat(_locate_images(number, source) for number, source in enumerate(sources))
    images = rows.join(locations, on="uuid", how="left", maintain_order="left")
    missing = images.filter(pl.col("row").is_null())["uuid"]
    if len(missing):
        raise ValueError(f"image {missing[0]} has a label but no pixels; rerun cache_pixels")
    labels, groups = (
        rows[column].rank("dense").to_numpy().astype(np.int64) - 1 for column in ("label", "group_id")
    )
    content = list(images.select("uuid", "sha256", "decode", "label", "group_id").iter_rows())
    subset = ImageSubset(sources, images.select("source", "row").to_numpy())
    return TrainingSet(subset, labels, groups, content)


def _locate_images(number: int, source: ImageSource) -> pl.DataFrame:
    """Where each image of a source is: (uuid, sha256, decode, source, row)."""
    columns = {"uuid": source.uuids, "sha256": source.sha256s, "row": np.arange(len(source))}
    types = {"uuid": pl.String, "sha256": pl.String, "row": pl.Int64}
    return pl.DataFrame(columns, schema=types).with_columns(
        decode=pl.lit(source.decode), source=pl.lit(number)
    )
