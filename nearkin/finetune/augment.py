"""What training images are turned into, always the same for the same seed."""

import random
from contextlib import contextmanager

import numpy as np
from PIL import Image

POLICY = "rand-m9-mstd0.5-mmax9-inc1"
"""timm's name for two distortions of strength 9 at most, about what Unicom's code takes.

Its own, without `mmax9`, asks now and then for no bit of a colour, which Pillow refuses since its version 13.
"""


def rand_augment(images, seed):
    """RandAugment (Cubuk et al., NeurIPS 2020) of uint8 images (n, size, size, 3); `seed` is an integer."""
    from timm.data.auto_augment import rand_augment_transform

    grey = {"img_mean": (128, 128, 128)}  # what comes in where an image is moved
    transform = rand_augment_transform(POLICY, grey)
    with _temporary_seed(seed):
        return np.stack([np.asarray(transform(Image.fromarray(image))) for image in images])


@contextmanager
def _temporary_seed(seed):
    """The random numbers that timm takes, from Python and numpy, begin at a seed; afterwards they go on."""
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
