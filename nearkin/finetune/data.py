"""The images that a training learns from and is judged by."""

import logging
from typing import NamedTuple

import numpy as np
import polars as pl

logger = logging.getLogger(__name__)


class TrainingSet(NamedTuple):
    """Images in the order of their uuids: where their pixels are, and label and group as numbers."""

    images: "ImageSubset"
    labels: np.ndarray  # (n,) the classes of training images, the species of validation images
    groups: np.ndarray  # (n,)
    content: list  # (uuid, sha256, decoder, label, group) of each, for a digest


class ImageSubset:
    """Some images of several sources of pixels, by position."""

    def __init__(self, sources, places):
        self.sources = sources
        self.places = np.array(places, dtype=np.int64).reshape(-1, 2)  # source and row of each

    def __len__(self):
        return len(self.places)

    def read_batch(self, rows, flipped):
        """uint8 (n, size, size, 3); mirrored where the booleans `flipped` say so."""
        places = self.places[rows]
        order = np.argsort(places[:, 0], kind="stable")
        parts = [self.sources[i].read_batch(places[places[:, 0] == i, 1]) for i in np.unique(places[:, 0])]
        images = np.concatenate(parts)[np.argsort(order)]
        images[flipped] = images[flipped, :, ::-1]
        return images


def make_datasets(classes, species, splits, sources, *, share=1.0, seed=0):
    """`(training examples, validation examples, number of classes)`.

    `classes` and `species` say with a `label` for each `uuid` what training images are taught
    as, and what validation images find if they find their own; images without a label are left out.
    Of every class a `share` of the training images is taken, one at least, drawn by `seed`.
    `sources` are what `nearkin.images.pixel_cache.open_sources` gives. Raises ValueError if there is
    nothing to tell apart, or an image has no pixels.
    """
    taught, judged = (
        _join_labels(labels, splits.filter(split=split), split)
        for labels, split in ((classes, "train"), (species, "val"))
    )
    if share < 1:
        taught = _sample_per_label(taught, share, seed)
    names = taught["label"].unique()
    if len(names) < 2:
        told = f"all are {names[0]!r}" if len(names) else "none has a label"
        raise ValueError(
            f"nothing to learn from {len(taught)} training images: {told}; name other finetune.labels, "
            "or see labels.parquet and splits.parquet"
        )
    told = "%d training images of %d classes, %d for validation"
    logger.info(told, len(taught), len(names), len(judged))
    return _make_dataset(taught, sources), _make_dataset(judged, sources), len(names)


def _join_labels(labels, images, split):
    found = labels.select("uuid", "label").drop_nulls().join(images, on="uuid").sort("uuid")
    if len(found) < len(images):
        logger.info("%d images of %s have no label and are left out", len(images) - len(found), split)
    return found


def _sample_per_label(rows, share, seed):
    """A share of the rows of every label, rounded, in their order; with a greater share more are added."""
    lots = pl.Series("lot", np.random.default_rng(seed).permutation(len(rows)))
    n_wanted = (share * pl.len()).round().clip(1)
    return rows.with_columns(lots).filter(
        pl.col("lot").rank("ordinal").over("label") <= n_wanted.over("label")
    )


def _make_dataset(rows, sources):
    places = pl.concat(_locate_images(number, source) for number, source in enumerate(sources))
    found = rows.join(places, on="uuid", how="left", maintain_order="left")
    lost = found.filter(pl.col("row").is_null())["uuid"]
    if len(lost):
        raise ValueError(f"image {lost[0]} has a label but no pixels; rerun cache_pixels")
    numbers = (rows[column].rank("dense").to_numpy().astype(np.int64) - 1 for column in ("label", "group_id"))
    content = list(found.select("uuid", "sha256", "decode", "label", "group_id").iter_rows())
    return TrainingSet(ImageSubset(sources, found.select("source", "row").to_numpy()), *numbers, content)


def _locate_images(number, source):
    """Where each image of a source is: (uuid, sha256, decode, source, row)."""
    columns = {"uuid": source.uuids, "sha256": source.sha256s, "row": np.arange(len(source))}
    types = {"uuid": pl.String, "sha256": pl.String, "row": pl.Int64}
    return pl.DataFrame(columns, schema=types).with_columns(
        decode=pl.lit(source.decode), source=pl.lit(number)
    )
