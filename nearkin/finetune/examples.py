"""The images that a training learns from and is judged by."""

import bisect
import logging
from typing import NamedTuple

import numpy as np

logger = logging.getLogger(__name__)


class Examples(NamedTuple):
    """Images in the order of their uuids: where their pixels are, species and group as numbers."""

    images: "Images"
    species: np.ndarray  # (n,) of the same numbering in training and validation
    groups: np.ndarray  # (n,)
    content: list  # (uuid, sha256, decoder, species, group) of each, for a digest


class Images:
    """Some images of several sources of pixels, by position."""

    def __init__(self, sources, places):
        self.sources = sources
        self.places = np.array(places, dtype=np.int64).reshape(-1, 2)  # source and row of each

    def __len__(self):
        return len(self.places)

    def take(self, rows, flipped):
        """uint8 (n, size, size, 3); mirrored where the booleans `flipped` say so."""
        places = self.places[rows]
        order = np.argsort(places[:, 0], kind="stable")
        parts = [self.sources[i].take(places[places[:, 0] == i, 1]) for i in np.unique(places[:, 0])]
        images = np.concatenate(parts)[np.argsort(order)]
        images[flipped] = images[flipped, :, ::-1]
        return images


def examples_of(labels, splits, sources):
    """`(training examples, validation examples, number of classes)`.

    `sources` are what `nearkin.pixels.open_pixels` gives.
    Classes are the species with training images, numbered in the order of their names;
    images without a species are left out. Raises ValueError if there is nothing to tell
    apart, or an image has no pixels.
    """
    rows = labels.select("uuid", "species").drop_nulls().join(splits, on="uuid").sort("uuid")
    train = rows.filter(rows["split"] == "train")
    classes = sorted(train["species"].unique())
    if len(classes) < 2:
        told = f"all are {classes[0]!r}" if classes else "none has a species"
        raise ValueError(f"nothing to learn from {len(train)} training images: {told}; see splits and labels")
    numbers = {
        name: number for number, name in enumerate(sorted(rows["species"].unique(), key=_after(classes)))
    }
    groups = {name: number for number, name in enumerate(sorted(rows["group_id"].unique()))}
    parts = [
        _examples(rows.filter(rows["split"] == split), numbers, groups, sources) for split in ("train", "val")
    ]
    logger.info(
        "%d training images of %d species, %d for validation", len(train), len(classes), len(parts[1].species)
    )
    return (*parts, len(classes))


def _after(classes):
    """Sorts the species that are trained before those that are not."""
    trained = set(classes)
    return lambda name: (name not in trained, name)


def _examples(rows, numbers, groups, sources):
    places, content = [], []
    for uuid, species, group in rows.select("uuid", "species", "group_id").iter_rows():
        place, row = _place(uuid, sources)
        places.append((place, row))
        content.append((uuid, sources[place].sha256s[row], sources[place].decode, species, group))
    return Examples(
        Images(sources, places),
        np.array([numbers[name] for name in rows["species"]], dtype=np.int64),
        np.array([groups[name] for name in rows["group_id"]], dtype=np.int64),
        content,
    )


def _place(uuid, sources):
    for number, source in enumerate(sources):
        row = bisect.bisect_left(source.uuids, uuid)
        if row < len(source) and source.uuids[row] == uuid:
            return number, row
    raise ValueError(f"image {uuid} has a label but no pixels; rerun cache_pixels")
