"""The input of the trained part of an encoder: pixels, or activations of the frozen part."""

import logging

import numpy as np
import torch

from nearkin.finetune.augment import rand_augment
from nearkin.finetune.data import ImageSubset
from nearkin.finetune.freezing import TensorFunction

logger = logging.getLogger(__name__)

BATCH_SIZE = 8  # small, so that the buffers of a CPU are reused instead of fetched from the system
MAX_BYTES = 2 * 2**30  # of cached activations; beyond, they are computed every time


class FrozenFeatureCache:
    """Batches for the trained part. The frozen part sees every image once, if its output fits.

    With `augment: flip`, mirrored images are cached too; with rand_augment nothing is cached, as no
    image comes twice. `frozen` is None where nothing is frozen.
    """

    def __init__(
        self,
        frozen: TensorFunction | None,
        images: ImageSubset,
        *,
        augment: str,
        device: torch.device | str,
    ) -> None:
        self.frozen, self.images, self.device = frozen, images, device
        self.has_rand_augment = augment == "rand_augment"
        self.activations: torch.Tensor | None = None
        if frozen is not None and len(images) and not self.has_rand_augment:
            self._fill(2 if augment == "flip" else 1)

    def __call__(self, rows: np.ndarray, flipped: np.ndarray, seed: int = 0) -> torch.Tensor:
        """The input of the trained part for the images `rows`, mirrored where `flipped` is true.

        RandAugment depends on `seed`.
        """
        if self.activations is None:
            return self._compute(rows, flipped, seed)
        batch = self.activations[torch.from_numpy(flipped.astype(np.int64)), torch.from_numpy(rows)]
        return _channels_first(batch).to(self.device)

    def _fill(self, n_variants: int) -> None:
        first = _channels_last(self._compute(np.arange(1), np.zeros(1, dtype=bool)))
        n_bytes = n_variants * len(self.images) * first.numel() * first.element_size()
        if n_bytes > MAX_BYTES:
            logger.info("the frozen part runs every time: %.1f GiB are too much to keep", n_bytes / 2**30)
            return
        activations = torch.empty(n_variants, len(self.images), *first.shape[1:])
        for variant in range(n_variants):
            for start in range(0, len(self.images), BATCH_SIZE):
                rows = np.arange(start, min(start + BATCH_SIZE, len(self.images)))
                flipped = np.full(len(rows), variant == 1)
                activations[variant, start : start + BATCH_SIZE] = _channels_last(
                    self._compute(rows, flipped)
                )
        self.activations = activations
        logger.info("the frozen part ran once: %.2f GiB kept", n_bytes / 2**30)

    def _compute(self, rows: np.ndarray, flipped: np.ndarray, seed: int = 0) -> torch.Tensor:
        images = self.images.read_batch(rows, flipped)
        images = rand_augment(images, seed) if self.has_rand_augment else images
        pixels = torch.from_numpy(images).to(self.device)
        if self.frozen is None:
            return pixels
        with torch.no_grad():
            return self.frozen(pixels)


def _channels_last(activations: torch.Tensor) -> torch.Tensor:
    """Feature maps as (n, height, width, channels), in which convolutions run faster; others as they are."""
    return activations.permute(0, 2, 3, 1) if activations.ndim == 4 else activations


def _channels_first(activations: torch.Tensor) -> torch.Tensor:
    return activations.permute(0, 3, 1, 2) if activations.ndim == 4 else activations
