"""The class centres of a margin softmax: one vector per class, of which a step may learn only some."""

import numpy as np
import torch

INIT_STD = 0.01
"""Standard deviation of the numbers that centres begin with, as in Unicom's code."""

BETA, EPSILON = 0.999, 1e-8
"""The second beta and the epsilon of AdamW, torch's defaults."""


class ClassCentres:
    """Class centres and their moments; a step moves the classes that took part in it, and only those.

    PartialFC (An et al., CVPR 2022) with AdamW (Loshchilov and Hutter, 2019) without weight
    decay. Three arrays (n_classes, width) of float32 is all that is held, and what a step
    takes grows with its own classes. Where all classes take part it is torch's AdamW.
    """

    def __init__(self, n_classes, width, seed, device):
        drawn = np.random.default_rng([seed, 0]).standard_normal((n_classes, width), dtype=np.float32)
        self.weights = torch.from_numpy(drawn).mul_(INIT_STD).to(device)
        self.first, self.second = torch.zeros_like(self.weights), torch.zeros_like(self.weights)

    def gather(self, classes):
        """The centres of some classes, or of all for None, as a tensor that collects gradients."""
        return (self.weights if classes is None else self.weights[classes]).detach().requires_grad_()

    def step(self, classes, taken, *, rate, beta, number):
        """Move what `taken` gave for `classes` against its gradient, in the step of that number, from 1."""
        if classes is None:
            self._move(self.weights, self.first, self.second, taken.grad, rate, beta, number)
            return
        weights, first, second = (part[classes] for part in (self.weights, self.first, self.second))
        self._move(weights, first, second, taken.grad, rate, beta, number)
        self.weights[classes], self.first[classes], self.second[classes] = weights, first, second

    def state_dict(self):
        """All that is held, by name."""
        return {"weights": self.weights, "first": self.first, "second": self.second}

    def load_state_dict(self, tensors):
        """Go back to what `tensors` gave."""
        for name, value in tensors.items():
            getattr(self, name).copy_(value)

    @staticmethod
    @torch.no_grad()
    def _move(weights, first, second, gradient, rate, beta, number):
        first.lerp_(gradient, 1 - beta)
        second.mul_(BETA).addcmul_(gradient, gradient, value=1 - BETA)
        spread = second.sqrt().div_((1 - BETA**number) ** 0.5).add_(EPSILON)
        weights.addcdiv_(first, spread, value=-rate / (1 - beta**number))
