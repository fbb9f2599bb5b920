"""Augmented training images, the same for the same seed."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

POLICY = "rand-m9-mstd0.5-mmax9-inc1"
"""timm's name for two distortions of strength 9 at most, close to what Unicom's code uses.

timm's own, without `mmax9`, sometimes reduces a colour to no bits, which Pillow refuses since version 13.
"""


def rand_augment(images: np.ndarray, seed: int) -> np.ndarray:
    """RandAugment (Cubuk et al., NeurIPS 2020) of uint8 images (n, size, size, 3)."""
    from timm.data.auto_augment import rand_augment_transform

    grey = {"img_mean": (128, 128, 128)}  # fills the border where an image is shifted
    transform = rand_augment_transform(POLICY, grey)
    with _temporary_seed(seed):
        return np.stack([np.asarray(transform(Image.fromarray(image))) for image in images])


@contextmanager
def _temporary_seed(seed: int) -> Iterator[None]:
    """A context in which the generators that timm uses are seeded; afterwards they continue as before."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
