"""Image and text towers of open_clip models."""

from nearkin.encoders.architectures import build_network
from nearkin.encoders.checkpoints import load_strict, read_checkpoint
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
"""How the tensors of a CLIP's text tower begin, where it is not a part of its own."""


def build_open_clip_image(name, weights):
    """The image tower of a CLIP model, and the facts of its description.

    `weights`: a pretrained tag, random, or the path of a checkpoint of the whole model or of
    its image tower; for a name on the hub, pretrained. `quickgelu` stays in the name.
    """
    config, preparation, tensors = _load_model(name, weights)
    if preparation["resize_mode"] != "shortest":
        raise ValueError(
            f"open_clip model {name!r} does not see a square from the middle of an image: {preparation}"
        )
    architecture = {
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
    shared = {key: preparation[key] for key in ("mean", "std", "interpolation")}
    size = config["vision_cfg"].get("image_size", 224)
    return trunk, {"architecture": architecture, "size": size, "crop_pct": 1.0, **shared}


def build_open_clip_text(name, weights):
    """The text tower of a CLIP model, and its architecture.

    `weights` are as for `build_open_clip_image`. Raises ValueError for a model whose texts are not cut
    into CLIP's own tokens: those of others would have to be fetched.
    """
    config, _, tensors = _load_model(name, weights)
    text = config["text_cfg"]
    foreign = [text[key] for key in ("hf_model_name", "hf_tokenizer_name") if text.get(key)]
    if foreign or "siglip" in name.lower():
        raise ValueError(
            f"open_clip model {name!r} does not read texts in CLIP's own tokens but in those of "
            f"{foreign[0] if foreign else 'SigLIP'!r}; take another model, or leave `captions` out"
        )
    architecture = {
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


def _load_model(name, weights):
    """`(config, preparation, tensors of the whole model)`; tensors are None for random weights."""
    return (_load_from_hub if name.startswith(HUB_PREFIX) else _load_built_in)(name, weights)


def _load_from_hub(name, weights):
    import open_clip
    from open_clip.factory import _get_hf_config

    require_pretrained(name, weights)
    with download_errors(name):
        config = _get_hf_config(name.removeprefix(HUB_PREFIX))["model_cfg"]
        whole = open_clip.create_model(name, require_pretrained=True)
    return config, whole.visual.preprocess_cfg, whole.state_dict()


def _load_built_in(name, weights):
    import open_clip

    check_model_name(name, open_clip.list_models(), library="open_clip")
    config, tags = open_clip.get_model_config(name), open_clip.list_pretrained_tags_by_model(name)
    if weights == "random":
        return config, _read_preprocessing(name, tags, weights), None
    if weights not in tags:
        path = checkpoint_path(weights, tags, model=f"open_clip model {name!r}")
        return config, _read_preprocessing(name, tags, weights), read_checkpoint(path)
    preparation = _read_preprocessing(name, [weights], weights)
    _check_activation(name, weights, bool(config.get("quick_gelu")))
    with download_errors(f"open_clip model {name!r}, weights {weights!r}"):
        whole = open_clip.create_model(name, pretrained=weights, require_pretrained=True)
    return config, preparation, whole.state_dict()


def _read_preprocessing(name, tags, weights):
    """How an image is prepared: as all of these tags say, or open_clip's default if there are none."""
    from open_clip.pretrained import get_pretrained_cfg
    from open_clip.transform import PreprocessCfg

    told = [get_pretrained_cfg(name, tag) for tag in tags] or [vars(PreprocessCfg())]
    found = {tuple(entry[key] for key in PREPROCESSING_KEYS) for entry in told}
    if len(found) > 1:
        raise ValueError(
            f"open_clip model {name!r}: its tags differ in preprocessing, so nobody can know what "
            f"{weights!r} needs; give one of the tags: {', '.join(tags)}"
        )
    return dict(zip(PREPROCESSING_KEYS, found.pop(), strict=True))


def _check_activation(name, weights, quick):
    from open_clip.pretrained import get_pretrained_cfg

    wanted = bool(get_pretrained_cfg(name, weights).get("quick_gelu"))
    if quick != wanted:
        right = f"{name}-quickgelu" if wanted else name.removesuffix("-quickgelu")
        raise ValueError(f"open_clip weights {weights!r} do not belong to {name!r}: write name: {right}")


def _select_image_tensors(tensors):
    visual = {name.removeprefix("visual."): t for name, t in tensors.items() if name.startswith("visual.")}
    return visual or tensors


def _select_text_tensors(tensors, source):
    apart = {name.removeprefix("text."): t for name, t in tensors.items() if name.startswith("text.")}
    found = apart or {
        name: tensor for name, tensor in tensors.items() if name.startswith(TEXT_TENSOR_PREFIXES)
    }
    if "token_embedding.weight" not in found:
        raise ValueError(f"{source}: no text tower in it; name the whole model, or leave `captions` out")
    return found
