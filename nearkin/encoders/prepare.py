"""From a model's config to an encoder: which network, whose weights, which preprocessing.

Weights are what the config says, or an error; random ones only where it says `random`.
"""

import logging
from typing import NotRequired, TypedDict

import torch
from torch import nn

from nearkin.encoders.architectures import Histogram, ImageEncoder
from nearkin.encoders.encoder import EncoderFacts, EncoderSpec
from nearkin.encoders.open_clip_models import build_open_clip_image
from nearkin.encoders.timm_models import build_pip_model, build_timm
from nearkin.images.settings import Geometry

logger = logging.getLogger(__name__)

LIBRARIES = {"timm": build_timm, "open_clip": build_open_clip_image, "pip_weights": build_pip_model}


class ModelSettings(TypedDict):
    """A model's entry in the config, for one that is not fine-tuned; the colour histogram has no name."""

    library: str
    name: NotRequired[str]
    weights: NotRequired[str | None]
    seed: NotRequired[int]


def build_encoder(model: ModelSettings, geometry: Geometry) -> tuple[ImageEncoder, EncoderSpec]:
    """The tower and the description of a model that is not fine-tuned.

    `geometry` is the preprocessing that the config gives the model. Raises ValueError, saying what
    to write instead, for an unknown name or tag, weights that are not available or do not fit, and a
    geometry that is not the encoder's own.
    """
    library, name, weights = model["library"], model.get("name", "histogram"), model.get("weights") or "none"
    if library == "histogram":
        trunk, facts = _build_histogram(geometry)
    else:
        trunk, facts = _build_from_library(library, name, weights, seed=model.get("seed", 1))
    own = {key: facts[key] for key in geometry}
    if own != dict(geometry):
        raise ValueError(
            f"{library} model {name!r} sees images as {own}, but its preprocessing in the config is "
            f"{dict(geometry)}: add an entry under `preprocessing` with its own values and name that"
        )
    tower = ImageEncoder(trunk, mean=facts["mean"], std=facts["std"]).eval()
    n_parameters = sum(parameter.numel() for parameter in tower.parameters())
    width = _measure_width(tower, facts["size"], name)
    source = f"{library} {name}, weights {weights}"
    source += f" with seed {model.get('seed', 1)}" if weights == "random" else ""
    logger.info("%s: %d parameters, vectors of %d numbers", source, n_parameters, width)
    description = EncoderSpec(
        library=library,
        name=name,
        weights=weights,
        width=width,
        projection=False,
        parameters=n_parameters,
        source=source,
        **facts,
    )
    return tower, description


def _build_from_library(
    library: str, name: str, weights: str, *, seed: int
) -> tuple[nn.Module, EncoderFacts]:
    if weights == "none":
        raise ValueError(
            f"{library} model {name!r} has no `weights`: write pretrained, a tag, a checkpoint's path, "
            "or random for an untrained encoder"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LIBRARIES[library](name, weights)


def _build_histogram(geometry: Geometry) -> tuple[nn.Module, EncoderFacts]:
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return Histogram(), {"architecture": {"library": "histogram"}, **geometry, "mean": mean, "std": std}


def _measure_width(tower: ImageEncoder, size: int, name: str) -> int:
    with torch.inference_mode():
        features = tower(torch.zeros(1, size, size, 3, dtype=torch.uint8))
    if features.ndim != 2:
        raise ValueError(f"{name!r} gives {list(features.shape)} for an image, not one vector")
    return features.shape[1]
