"""How an encoder is fine-tuned; no torch, since the driver reads it, too.

What each setting means, its default and its limits are in workflow/schemas/config.schema.yaml.
"""

from collections.abc import Mapping
from typing import TypedDict, cast

SAMPLING_POWERS = {"none": 0.0, "square_root": 0.5, "uniform": 1.0}
"""By `class_sampling`: the power of its class's size by which an image is drawn less often."""

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


class Recipe(TypedDict):
    """Unicom's recipe (An et al., ICLR 2023)."""

    labels: str
    trainable: str
    epochs: int
    batch_size: int
    grad_accumulation: int
    lr: float
    head_lr_multiplier: float
    warmup_fraction: float
    logit_scale: float
    m1: float
    m2: float
    m3: float
    margin_gradient: str
    max_grad_norm: float | None
    sample_rate: float
    feature_sample_rate: float
    augment: str
    class_sampling: str
    precision: str
    train_fraction: float
    patience: int | None
    seed: int


def recipe_settings(finetune: Mapping[str, object]) -> Recipe:
    """The part of a model's `finetune` in a resolved config that is its recipe."""
    return cast(Recipe, {key: finetune[key] for key in Recipe.__annotations__})
