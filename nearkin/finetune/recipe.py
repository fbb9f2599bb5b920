"""How an encoder is fine-tuned: every setting, its default, and its allowed values."""

import dataclasses
import difflib
import re
from collections.abc import Mapping
from typing import Any, cast

GRADIENTS = ("straight_through", "exact")
AUGMENTS = ("none", "flip", "rand_augment")
SAMPLING_POWERS = {"none": 0.0, "square_root": 0.5, "uniform": 1.0}
"""The power of its class's size by which an image is drawn less often."""

UNICOM = {
    "trainable": "all",
    "lr": 1e-5,
    "head_lr_multiplier": 10.0,
    "warmup_fraction": 0.1,
    "augment": "none",
    "logit_scale": 32.0,
    "m1": 1.0,
    "m3": 0.0,
    "margin_gradient": "straight_through",
    "sample_rate": 1.0,
}
PRESETS = {
    "unicom_vlm4bio": UNICOM | {"m2": 0.3, "batch_size": 128, "epochs": 32},
    "unicom_sop": UNICOM | {"m2": 0.25, "batch_size": 64, "epochs": 64, "feature_sample_rate": 2 / 3},
}
"""As the reference study trained, and as Unicom's repository does for Stanford Online Products."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Unicom's recipe (An et al., ICLR 2023), with this project's defaults for small collections."""

    labels: str = "species"  # the classes: a rank, category, or the name of a clustering
    trainable: str = "last_5"  # all, head (a linear map on frozen features), or last_N (blocks)
    epochs: int = 8
    batch_size: int = 64
    grad_accumulation: int = 1  # batches whose gradients make one step
    lr: float = 1e-3  # peak, of the encoder's parameters
    head_lr_multiplier: float = 10.0  # times lr is the peak for the class centres
    warmup_fraction: float = 0.1  # share of the steps in which the learning rate rises
    logit_scale: float = 32.0  # factor of the cosines before the softmax
    m1: float = 1.0  # margin: cos(m1 angle + m2) - m3
    m2: float = 0.3
    m3: float = 0.0
    margin_gradient: str = "straight_through"  # or exact
    max_grad_norm: float | None = None  # longer gradients are clipped to this
    sample_rate: float = 1.0  # share of the classes in each step's softmax; those of its images always are
    feature_sample_rate: float = 1.0  # share of the features in each step's cosines
    augment: str = "flip"  # none, flip or rand_augment, which flips too
    class_sampling: str = "none"  # a class's share of a step: by its images (none), square_root, or uniform
    precision: str = "fp32"  # or bf16
    train_fraction: float = 1.0  # of the training images of every class
    patience: int | None = None  # stop after this many epochs in a row without a better one
    seed: int = 1

    def __post_init__(self) -> None:
        rules = {
            "trainable": re.fullmatch("all|head|last_[1-9][0-9]*", self.trainable),
            "epochs": self.epochs >= 1,
            "batch_size": self.batch_size >= 1,
            "lr": self.lr > 0,
            "head_lr_multiplier": self.head_lr_multiplier > 0,
            "warmup_fraction": 0 <= self.warmup_fraction < 1,
            "logit_scale": self.logit_scale > 0,
            "m1": self.m1 >= 1,
            "m2": 0 <= self.m2 < 3.14,
            "m3": self.m3 >= 0,
            "margin_gradient": self.margin_gradient in GRADIENTS,
            "grad_accumulation": self.grad_accumulation >= 1,
            "max_grad_norm": self.max_grad_norm is None or self.max_grad_norm > 0,
            "sample_rate": 0 < self.sample_rate <= 1,
            "feature_sample_rate": 0 < self.feature_sample_rate <= 1,
            "augment": self.augment in AUGMENTS,
            "class_sampling": self.class_sampling in SAMPLING_POWERS,
            "precision": self.precision in ("fp32", "bf16"),
            "train_fraction": 0 < self.train_fraction <= 1,
            "patience": self.patience is None or self.patience >= 1,
            "seed": self.seed >= 0,
        }
        for key, is_valid in rules.items():
            if not is_valid:
                raise ValueError(
                    f"finetune.{key}: {getattr(self, key)!r} cannot be used; see nearkin.finetune.recipe"
                )

    @property
    def sampling_power(self) -> float:
        """The power of its class's size by which an image is drawn less often."""
        return SAMPLING_POWERS[self.class_sampling]


def recipe_settings(finetune: Mapping[str, object]) -> dict[str, object]:
    """The part of a model's `finetune` in the config that is its recipe."""
    return {key: value for key, value in finetune.items() if key not in ("base", "seed_group")}


def read_recipe(values: Mapping[str, object]) -> Recipe:
    """The recipe with the values of a config, and defaults for the others; an unknown key is an error.

    >>> read_recipe({"epochs": 3}).epochs
    3
    >>> read_recipe({"epoch": 3})
    Traceback (most recent call last):
    ...
    ValueError: finetune.epoch: unknown key; did you mean 'epochs'?
    """
    keys = [field.name for field in dataclasses.fields(Recipe)]
    for key in values:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(keys)}"
            raise ValueError(f"finetune.{key}: unknown key; {hint}")
    return Recipe(**cast("Mapping[str, Any]", values))  # the config's schema has checked the types
