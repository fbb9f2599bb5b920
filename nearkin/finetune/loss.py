"""Margin softmax: a class only wins if it is nearer than all others by an angle."""

import math

import numpy as np
import torch
from torch.nn import functional

from nearkin.finetune.recipe import Recipe

MAX_COSINE = 1 - 1e-6  # the derivative of the arc cosine is infinite at 1


def margin_loss(
    features: torch.Tensor, labels: torch.Tensor, centres: torch.Tensor, recipe: Recipe
) -> torch.Tensor:
    """The mean cross-entropy of features (n, width) against class centres (n_classes, width).

    The logits are the cosines of both, with the margin on that of the correct class, times the scale.
    `labels` (n,) are rows of `centres`.
    """
    cosines = functional.linear(functional.normalize(features), functional.normalize(centres))
    with_margin = apply_margin(cosines, labels, recipe)
    return functional.cross_entropy(recipe["logit_scale"] * with_margin, labels)


def apply_margin(cosines: torch.Tensor, labels: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Cosines (n, n_classes) with a margin on that of the correct class: cos(m1 angle + m2) - m3.

    Where m1 angle + m2 would pass pi, the cosine keeps falling with slope 1 instead of
    rising again. `margin_gradient: exact` differentiates this; `straight_through` treats the margin
    as a constant, as Unicom's code does, so that the loss's gradient with respect to a cosine is
    scale (p - y) / n.
    """
    correct = cosines.gather(1, labels[:, None])
    angle = recipe["m1"] * torch.arccos(correct.clamp(-MAX_COSINE, MAX_COSINE)) + recipe["m2"]
    edge = math.cos((math.pi - recipe["m2"]) / recipe["m1"])
    with_margin = torch.where(angle > math.pi, correct - edge - 1, torch.cos(angle)) - recipe["m3"]
    if recipe["margin_gradient"] == "straight_through":
        with_margin = correct + (with_margin - correct).detach()
    return cosines.scatter(1, labels[:, None], with_margin)


def sample_classes(
    labels: np.ndarray, n_classes: int, rate: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The classes of a step's softmax, sorted: those of `labels`, and others up to `rate` of all.

    PartialFC (An et al., CVPR 2022). Returns `(classes, labels as rows of classes)`.

    >>> sample_classes(np.array([7, 2, 7]), 10, 0.2, np.random.default_rng(0))
    (array([2, 7]), array([1, 0, 1]))
    """
    present = np.unique(labels)
    n_others = max(0, round(rate * n_classes) - len(present))
    others = np.setdiff1d(np.arange(n_classes), present)
    classes = np.sort(np.concatenate([present, rng.choice(others, n_others, replace=False)]))
    return classes, np.searchsorted(classes, labels)
