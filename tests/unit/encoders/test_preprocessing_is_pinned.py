"""Lite0 reproduces the stored features, but not with ImageNet's mean and std."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from nearkin.encoders.architectures import ImageEncoder
from nearkin.encoders.encoder import Encoder
from nearkin.encoders.prepare import build_encoder
from nearkin.images.decode import decode_rgb
from nearkin.images.reader import resize_and_crop

torch.set_num_threads(1)  # tests run in parallel

DATA = Path(__file__).parents[1] / "data"
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}


@pytest.fixture(scope="module")
def lite0():
    model = {"library": "pip_weights", "name": "efficientnet_lite0", "weights": "pretrained"}
    return build_encoder(model, {"size": 224, "crop_pct": 0.875, "interpolation": "bicubic"})


def compute_min_cosine(tower, description):
    """The least cosine, over the committed images, of an embedding and the stored features."""
    stored = np.load(DATA / "lite0_features.npy").astype(np.float32)
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    images = [decode_rgb(DATA / f"{i}.png", 1e6) for i in range(len(stored))]
    pixels = np.stack([resize_and_crop(image, description.geometry) for image in images])
    vectors = Encoder(tower, description, torch.device("cpu")).embed(pixels)
    return (vectors * stored).sum(axis=1).min()


def test_lite0_gives_the_stored_features(lite0):
    assert compute_min_cosine(*lite0) > 0.99999


@pytest.mark.parametrize("other", [IMAGENET, HALF | {"std": (0.45, 0.45, 0.45)}])
def test_another_mean_or_std_changes_the_features(lite0, other):
    tower, description = lite0
    assert (
        compute_min_cosine(ImageEncoder(tower.trunk, **other), dataclasses.replace(description, **other))
        < 0.9999
    )
