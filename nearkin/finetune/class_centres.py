"""The class centres of a margin softmax: one vector per class, of which a step may learn only some."""

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch

INIT_STD = 0.01
"""Standard deviation of the initial values, as in Unicom's code."""

BETA, EPSILON = 0.999, 1e-8
"""The second beta and the epsilon of AdamW, torch's defaults."""


class ClassCentres:
    """Class centres and their moments; a step moves only the classes that took part in it.

    PartialFC (An et al., CVPR 2022) with AdamW (Loshchilov and Hutter, 2019) without weight
    decay. Memory is three arrays (n_classes, width) of float32; what a step takes grows with
    the number of its own classes. Where all classes take part it is torch's AdamW.
    """

    def __init__(self, n_classes: int, width: int, seed: int, device: torch.device) -> None:
        values = np.random.default_rng([seed, 0]).standard_normal((n_classes, width), dtype=np.float32)
        self.weights = torch.from_numpy(values).mul_(INIT_STD).to(device)
        self.first, self.second = torch.zeros_like(self.weights), torch.zeros_like(self.weights)

    def gather(self, classes: torch.Tensor | np.ndarray | None) -> torch.Tensor:
        """The centres of some classes, or of all for None, as a tensor that collects gradients."""
        return (self.weights if classes is None else self.weights[classes]).detach().requires_grad_()

    def step(
        self,
        classes: torch.Tensor | np.ndarray | None,
        centres: torch.Tensor,
        *,
        rate: float,
        beta: float,
        number: int,
    ) -> None:
        """Move `classes` against the gradient of `centres`, which `gather` returned for them.

        `number` counts the steps from 1.
        """
        gradient = cast("torch.Tensor", centres.grad)
        if classes is None:
            self._move(self.weights, self.first, self.second, gradient, rate, beta, number)
            return
        weights, first, second = (part[classes] for part in (self.weights, self.first, self.second))
        self._move(weights, first, second, gradient, rate, beta, number)
        self.weights[classes], self.first[classes], self.second[classes] = weights, first, second

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Centres and moments by name."""
        return {"weights": self.weights, "first": self.first, "second": self.second}

    def load_state_dict(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Restore centres and moments from a `state_dict`."""
        for name, value in tensors.items():
            getattr(self, name).copy_(value)

    @staticmethod
    @torch.no_grad()
    def _move(
        weights: torch.Tensor,
        first: torch.Tensor,
        second: torch.Tensor,
        gradient: torch.Tensor,
        rate: float,
        beta: float,
        number: int,
    ) -> None:
        first.lerp_(gradient, 1 - beta)
        second.mul_(BETA).addcmul_(gradient, gradient, value=1 - BETA)
        spread = second.sqrt().div_((1 - BETA**number) ** 0.5).add_(EPSILON)
        weights.addcdiv_(first, spread, value=-rate / (1 - beta**number))
