"""What the trained part of an encoder is fed: pixels, or what the frozen part makes of them."""

import logging

import numpy as np
import torch

from nearkin.finetune.augment import distorted

logger = logging.getLogger(__name__)

BATCH = 8  # small, so that the buffers of a CPU are used again and not fetched from the system
MOST_BYTES = 2 * 2**30  # of kept activations; beyond, they are computed every time


class Feed:
    """Batches for the trained part. The frozen part sees every image once, if its output fits.

    Mirrored images (`augment: flip`) are kept beside those that they mirror; of RandAugment's
    there is no end. `before` is None where nothing is frozen.
    """

    def __init__(self, before, images, *, augment, device):
        self.before, self.images, self.device = before, images, device
        self.distorts, self.kept = augment == "rand_augment", None
        if before is not None and len(images) and not self.distorts:
            self._keep(2 if augment == "flip" else 1)

    def __call__(self, rows, flipped, seed=0):
        """What the trained part is fed for the images `rows`, mirrored where `flipped` says so.

        `seed` says how they are distorted, if they are.
        """
        if self.kept is None:
            return self._computed(rows, flipped, seed)
        found = self.kept[torch.from_numpy(flipped.astype(np.int64)), torch.from_numpy(rows)]
        return _channels_first(found).to(self.device)

    def _keep(self, n_variants):
        first = _channels_last(self._computed(np.arange(1), np.zeros(1, dtype=bool)))
        n_bytes = n_variants * len(self.images) * first.numel() * first.element_size()
        if n_bytes > MOST_BYTES:
            logger.info("the frozen part runs every time: %.1f GiB are too much to keep", n_bytes / 2**30)
            return
        self.kept = torch.empty(n_variants, len(self.images), *first.shape[1:])
        for variant in range(n_variants):
            for start in range(0, len(self.images), BATCH):
                rows = np.arange(start, min(start + BATCH, len(self.images)))
                mirrored = np.full(len(rows), variant == 1)
                self.kept[variant, start : start + BATCH] = _channels_last(self._computed(rows, mirrored))
        logger.info("the frozen part ran once: %.2f GiB kept", n_bytes / 2**30)

    def _computed(self, rows, flipped, seed=0):
        images = self.images.take(rows, flipped)
        pixels = torch.from_numpy(distorted(images, seed) if self.distorts else images).to(self.device)
        if self.before is None:
            return pixels
        with torch.no_grad():
            return self.before(pixels)


def _channels_last(activations):
    """Feature maps as (n, height, width, channels), in which convolutions run faster; others as they are."""
    return activations.permute(0, 2, 3, 1) if activations.ndim == 4 else activations


def _channels_first(activations):
    return activations.permute(0, 3, 1, 2) if activations.ndim == 4 else activations
