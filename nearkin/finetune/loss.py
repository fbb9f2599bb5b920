"""Margin softmax: a class is right only if it is nearer than all others by an angle."""

import math

import numpy as np
import torch
from torch.nn import functional

MAX_COSINE = 1 - 1e-6  # the derivative of the arc cosine is infinite at 1


def margin_loss(features, labels, centres, recipe):
    """The mean cross-entropy of features (n, width) against class centres (n_classes, width).

    Cosines of both, the margin put on the cosine of the right class, times the scale.
    `labels` (n,) are rows of `centres`.
    """
    cosines = functional.linear(functional.normalize(features), functional.normalize(centres))
    with_margin = apply_margin(cosines, labels, recipe)
    return functional.cross_entropy(recipe.logit_scale * with_margin, labels)


def apply_margin(cosines, labels, recipe):
    """Cosines (n, n_classes) with a margin on that of the right class: cos(m1 angle + m2) - m3.

    Where m1 angle + m2 would pass pi, the cosine goes on falling with slope 1 instead of
    rising again. `gradient: exact` differentiates this; `straight_through` takes the margin
    for a constant, as Unicom's code does, so that the loss's gradient by a cosine is
    scale (p - y) / n.
    """
    right = cosines.gather(1, labels[:, None])
    angle = recipe.m1 * torch.arccos(right.clamp(-MAX_COSINE, MAX_COSINE)) + recipe.m2
    edge = math.cos((math.pi - recipe.m2) / recipe.m1)
    wanted = torch.where(angle > math.pi, right - edge - 1, torch.cos(angle)) - recipe.m3
    if recipe.margin_gradient == "straight_through":
        wanted = right + (wanted - right).detach()
    return cosines.scatter(1, labels[:, None], wanted)


def sample_classes(labels, n_classes, rate, rng):
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
