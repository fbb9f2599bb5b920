"""A small training on noise images with a stripe per species: its data and results."""

import numpy as np
import polars as pl

from nearkin.finetune.data import make_datasets
from nearkin.finetune.train import train
from tests.factories import encoders as examples
from tests.factories.random_study import labels_of
from tests.factories.recipes import recipe_of

SPECIES = ["Aa aa", "Aa bb", "Bb aa", "Bb bb"]
RECIPE = recipe_of(trainable="all", epochs=3, batch_size=8, lr=3e-3)


def make_study(n_each=12):
    """Labels, splits and images: each species has a stripe in noise; every fourth image is in val."""
    rng = np.random.default_rng(0)
    species = [name for name in SPECIES for _ in range(n_each)]
    labels = labels_of(species)
    images = rng.integers(60, 196, (len(species), 16, 16, 3), dtype=np.uint8)
    for i, name in enumerate(species):
        images[i, 4 * SPECIES.index(name) : 4 * SPECIES.index(name) + 2] += 55
    splits = labels.select("uuid").with_columns(
        split=pl.Series(["train", "val", "train", "test"] * (len(species) // 4)),
        group_id="uuid",
        reason=pl.lit(None, dtype=pl.String),
        evidence=pl.lit(None, dtype=pl.String),
    )
    return labels, splits, images


def make_species_datasets(labels, splits, stores):
    """The training and validation data with the species as classes, and the number of classes."""
    species = labels.select("uuid", label="species")
    return make_datasets(species, species, splits, stores)


def train_encoder(datasets, path, recipe=RECIPE):
    """A fine-tuned small encoder, and the outcome of its training."""
    encoder = examples.encoder()
    return encoder, train(encoder, datasets, recipe=recipe, state_path=path)


def get_weight_bytes(encoder):
    """The bytes of each weight by its name."""
    return {name: value.numpy().tobytes() for name, value in encoder.tower.state_dict().items()}
