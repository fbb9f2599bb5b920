"""What the trained part of an encoder is fed: pixels, or what the frozen part makes of them."""

import logging

import numpy as np
import torch

from nearkin.finetune.augment import rand_augment

logger = logging.getLogger(__name__)

BATCH_SIZE = 8  # small, so that the buffers of a CPU are used again and not fetched from the system
MAX_BYTES = 2 * 2**30  # of kept activations; beyond, they are computed every time


class FrozenFeatureCache:
    """Batches for the trained part. The frozen part sees every image once, if its output fits.

    Mirrored images (`augment: flip`) are kept beside those that they mirror; of RandAugment's
    there is no end. `frozen` is None where nothing is frozen.
    """

    def __init__(self, frozen, images, *, augment, device):
        self.frozen, self.images, self.device = frozen, images, device
        self.distorts, self.kept = augment == "rand_augment", None
        if frozen is not None and len(images) and not self.distorts:
            self._fill(2 if augment == "flip" else 1)

    def __call__(self, rows, flipped, seed=0):
        """What the trained part is fed for the images `rows`, mirrored where `flipped` says so.

        `seed` says how they are distorted, if they are.
        """
        if self.kept is None:
            return self._compute(rows, flipped, seed)
        found = self.kept[torch.from_numpy(flipped.astype(np.int64)), torch.from_numpy(rows)]
        return _channels_first(found).to(self.device)

    def _fill(self, n_variants):
        first = _channels_last(self._compute(np.arange(1), np.zeros(1, dtype=bool)))
        n_bytes = n_variants * len(self.images) * first.numel() * first.element_size()
        if n_bytes > MAX_BYTES:
            logger.info("the frozen part runs every time: %.1f GiB are too much to keep", n_bytes / 2**30)
            return
        self.kept = torch.empty(n_variants, len(self.images), *first.shape[1:])
        for variant in range(n_variants):
            for start in range(0, len(self.images), BATCH_SIZE):
                rows = np.arange(start, min(start + BATCH_SIZE, len(self.images)))
                mirrored = np.full(len(rows), variant == 1)
                self.kept[variant, start : start + BATCH_SIZE] = _channels_last(self._compute(rows, mirrored))
        logger.info("the frozen part ran once: %.2f GiB kept", n_bytes / 2**30)

    def _compute(self, rows, flipped, seed=0):
        images = self.images.read_batch(rows, flipped)
        pixels = torch.from_numpy(rand_augment(images, seed) if self.distorts else images).to(self.device)
        if self.frozen is None:
            return pixels
        with torch.no_grad():
            return self.frozen(pixels)


def _channels_last(activations):
    """Feature maps as (n, height, width, channels), in which convolutions run faster; others as they are."""
    return activations.permute(0, 2, 3, 1) if activations.ndim == 4 else activations


def _channels_first(activations):
    return activations.permute(0, 3, 1, 2) if activations.ndim == 4 else activations
