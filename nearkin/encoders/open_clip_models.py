"""Image and text towers of open_clip models."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import torch
from torch import nn

from nearkin.encoders.architectures import (
    OpenClipArchitecture,
    OpenClipTextArchitecture,
    build_network,
)
from nearkin.encoders.checkpoints import load_strict, read_checkpoint
from nearkin.encoders.encoder import EncoderFacts
from nearkin.encoders.errors import (
    HUB_PREFIX,
    check_model_name,
    checkpoint_path,
    download_errors,
    require_pretrained,
)

PREPROCESSING_KEYS = ("mean", "std", "interpolation", "resize_mode")
TEXT_TENSOR_PREFIXES = (
    "token_embedding",
    "positional_embedding",
    "transformer",
    "ln_final",
    "text_projection",
)
"""Prefixes of the text tower's tensors in a CLIP model that does not keep them in a module `text`."""


class ClipConfig(TypedDict):
    """A model's config as open_clip has it, as far as it is used here."""

    embed_dim: int
    vision_cfg: Mapping[str, Any]
    text_cfg: Mapping[str, Any]
    quick_gelu: NotRequired[bool]


class ClipPreprocessing(TypedDict):
    """A model's preprocessing as open_clip has it, as far as it is used here."""

    mean: Sequence[float]
    std: Sequence[float]
    interpolation: str
    resize_mode: str


def build_open_clip_image(name: str, weights: str) -> tuple[nn.Module, EncoderFacts]:
    """The image tower of a CLIP model, and the facts of its description.

    `weights`: a pretrained tag, random, or the path of a checkpoint of the whole model or of
    its image tower; for a name on the hub, pretrained. `quickgelu` stays in the name.
    """
    config, preprocessing, tensors = _load_model(name, weights)
    if preprocessing["resize_mode"] != "shortest":
        raise ValueError(
            f"open_clip model {name!r} does not see a square from the middle of an image: {preprocessing}"
        )
    architecture: OpenClipArchitecture = {
        "library": "open_clip",
        "embed_dim": config["embed_dim"],
        "vision": config["vision_cfg"],
        "quick_gelu": bool(config.get("quick_gelu")),
    }
    trunk = build_network(architecture)
    if tensors is not None:
        load_strict(
            trunk, _select_image_tensors(tensors), source=f"open_clip model {name!r}, weights {weights!r}"
        )
    return trunk, {
        "architecture": architecture,
        "size": config["vision_cfg"].get("image_size", 224),
        "crop_pct": 1.0,
        "interpolation": preprocessing["interpolation"],
        "mean": preprocessing["mean"],
        "std": preprocessing["std"],
    }


def build_open_clip_text(name: str, weights: str) -> tuple[nn.Module, OpenClipTextArchitecture]:
    """The text tower of a CLIP model, and its architecture.

    `weights` are as for `build_open_clip_image`. Raises ValueError for a model that does not use CLIP's
    own tokenizer: others would have to be fetched.
    """
    config, _, tensors = _load_model(name, weights)
    text = config["text_cfg"]
    foreign = [text[key] for key in ("hf_model_name", "hf_tokenizer_name") if text.get(key)]
    if foreign or "siglip" in name.lower():
        raise ValueError(
            f"open_clip model {name!r} does not read texts in CLIP's own tokens but in those of "
            f"{foreign[0] if foreign else 'SigLIP'!r}; take another model, or leave `captions` out"
        )
    architecture: OpenClipTextArchitecture = {
        "library": "open_clip_text",
        "embed_dim": config["embed_dim"],
        "text": text,
        "quick_gelu": bool(config.get("quick_gelu")),
    }
    tower = build_network(architecture)
    if tensors is not None:
        source = f"open_clip model {name!r}, weights {weights!r}"
        load_strict(tower, _select_text_tensors(tensors, source), source=source)
    return tower, architecture


def _load_model(
    name: str, weights: str
) -> tuple[ClipConfig, ClipPreprocessing, Mapping[str, torch.Tensor] | None]:
    """`(config, preprocessing, tensors of the whole model)`; tensors are None for random weights."""
    return (_load_from_hub if name.startswith(HUB_PREFIX) else _load_built_in)(name, weights)


def _load_from_hub(
    name: str, weights: str
) -> tuple[ClipConfig, ClipPreprocessing, Mapping[str, torch.Tensor]]:
    import open_clip
    from open_clip.factory import _get_hf_config

    require_pretrained(name, weights)
    with download_errors(name):
        config = _get_hf_config(name.removeprefix(HUB_PREFIX))["model_cfg"]
        whole = open_clip.create_model(name, require_pretrained=True)
    return config, cast(ClipPreprocessing, open_clip.get_model_preprocess_cfg(whole)), whole.state_dict()


def _load_built_in(
    name: str, weights: str
) -> tuple[ClipConfig, ClipPreprocessing, Mapping[str, torch.Tensor] | None]:
    import open_clip

    check_model_name(name, open_clip.list_models(), library="open_clip")
    config = cast(ClipConfig, open_clip.get_model_config(name))
    tags = open_clip.list_pretrained_tags_by_model(name)
    if weights == "random":
        return config, _read_preprocessing(name, tags, weights), None
    if weights not in tags:
        path = checkpoint_path(weights, tags, model=f"open_clip model {name!r}")
        return config, _read_preprocessing(name, tags, weights), read_checkpoint(path)
    preprocessing = _read_preprocessing(name, [weights], weights)
    _check_activation(name, weights, bool(config.get("quick_gelu")))
    with download_errors(f"open_clip model {name!r}, weights {weights!r}"):
        whole = open_clip.create_model(name, pretrained=weights, require_pretrained=True)
    return config, preprocessing, whole.state_dict()


def _read_preprocessing(name: str, tags: Sequence[str], weights: str) -> ClipPreprocessing:
    """The preprocessing that all of these tags have, or open_clip's default if there are none."""
    from open_clip.pretrained import get_pretrained_cfg
    from open_clip.transform import PreprocessCfg

    configs = [get_pretrained_cfg(name, tag) for tag in tags] or [vars(PreprocessCfg())]
    variants = {tuple(entry[key] for key in PREPROCESSING_KEYS) for entry in configs}
    if len(variants) > 1:
        raise ValueError(
            f"open_clip model {name!r}: its tags differ in preprocessing, so it is unclear what "
            f"{weights!r} needs; give one of the tags: {', '.join(tags)}"
        )
    return cast(ClipPreprocessing, dict(zip(PREPROCESSING_KEYS, variants.pop(), strict=True)))


def _check_activation(name: str, weights: str, is_quick: bool) -> None:
    """Raise ValueError if the weights were trained with another activation than the model's."""
    from open_clip.pretrained import get_pretrained_cfg

    needs_quick = bool(get_pretrained_cfg(name, weights).get("quick_gelu"))
    if is_quick != needs_quick:
        correct = f"{name}-quickgelu" if needs_quick else name.removesuffix("-quickgelu")
        raise ValueError(f"open_clip weights {weights!r} do not belong to {name!r}: write name: {correct}")


def _select_image_tensors(tensors: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    """The tensors of the image tower; all if it is not named, as in a checkpoint of the tower alone."""
    visual = {name.removeprefix("visual."): t for name, t in tensors.items() if name.startswith("visual.")}
    return visual or tensors


def _select_text_tensors(tensors: Mapping[str, torch.Tensor], source: str) -> dict[str, torch.Tensor]:
    """The tensors of the text tower; ValueError naming `source` if there are none."""
    of_module = {name.removeprefix("text."): t for name, t in tensors.items() if name.startswith("text.")}
    text = of_module or {
        name: tensor for name, tensor in tensors.items() if name.startswith(TEXT_TENSOR_PREFIXES)
    }
    if "token_embedding.weight" not in text:
        raise ValueError(f"{source}: no text tower in it; name the whole model, or leave `captions` out")
    return text
