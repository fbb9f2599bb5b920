"""The networks behind encoders, built from plain values, without any weights.

An architecture is a small dict, part of an encoder's description, from which the network
can be built again without a hub or a registry: `library` (timm, open_clip, open_clip_text or
histogram) and what that library needs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict

import torch
from torch import nn

N_BINS = 8


class TimmArchitecture(TypedDict):
    """A timm network; `options` are keyword arguments of its constructor."""

    library: Literal["timm"]
    name: str
    options: Mapping[str, Any]


class OpenClipArchitecture(TypedDict):
    """The image tower of an open_clip model; `vision` is the `vision_cfg` of its config."""

    library: Literal["open_clip"]
    embed_dim: int
    vision: Mapping[str, Any]
    quick_gelu: bool


class OpenClipTextArchitecture(TypedDict):
    """The text tower of an open_clip model; `text` is the `text_cfg` of its config."""

    library: Literal["open_clip_text"]
    embed_dim: int
    text: Mapping[str, Any]
    quick_gelu: bool


class HistogramArchitecture(TypedDict):
    """The colour histogram, which has no settings."""

    library: Literal["histogram"]


Architecture = TimmArchitecture | OpenClipArchitecture | OpenClipTextArchitecture | HistogramArchitecture


def build_network(architecture: Architecture) -> nn.Module:
    """The network of an architecture: normalised (n, 3, size, size) to features (n, width).

    That of texts takes tokens (n, length). Nothing is downloaded and no weights are loaded; those
    in it are meaningless.
    """
    return BUILDERS[architecture["library"]](architecture)


class ImageEncoder(nn.Module):
    """A whole encoder: uint8 pixels (n, size, size, 3) to features (n, width), not normalised.

    `trunk` is the network as its library builds it. `projection` is a linear map on its
    features, None unless one was trained. `dtype` is that of the weights.
    """

    dtype: torch.dtype = torch.float32
    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self,
        trunk: nn.Module,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        projected_width: int | None = None,
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.projection: nn.Linear | None = None
        if projected_width is not None:
            self.projection = nn.Linear(projected_width, projected_width, bias=False)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """The input of the trunk: (n, 3, size, size), channels last in memory."""
        return ((pixels.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std).to(self.dtype)

    def project(self, features: torch.Tensor) -> torch.Tensor:
        """Features of the trunk after the projection, if there is one: (n, width)."""
        return features if self.projection is None else self.projection(features)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.project(self.trunk(self.normalise(pixels)))


class Histogram(nn.Module):
    """Joint histogram of RGB, 8 x 8 x 8 bins, as square roots of shares: (n, 512).

    The floor for every comparison: what colours alone say (Swain and Ballard 1991). The
    cosine of two is the Bhattacharyya coefficient of the histograms.
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """`images` in 0..1, (n, 3, height, width)."""
        levels = (images * 255).round().long() * N_BINS // 256  # (n, 3, height, width)
        bins = ((levels[:, 0] * N_BINS + levels[:, 1]) * N_BINS + levels[:, 2]).flatten(1)
        counts = torch.zeros(len(bins), N_BINS**3, device=bins.device)
        counts.scatter_add_(1, bins, torch.ones_like(bins, dtype=counts.dtype))
        return (counts / bins.shape[1]).sqrt()


def _build_timm(architecture: TimmArchitecture) -> nn.Module:
    import timm

    _check_is_built_in(architecture["name"])
    return timm.create_model(architecture["name"], pretrained=False, num_classes=0, **architecture["options"])


def _build_open_clip_image(architecture: OpenClipArchitecture) -> nn.Module:
    from open_clip.model import CLIPVisionCfg, _build_vision_tower

    vision = dict(architecture["vision"])
    if vision.get("timm_model_name"):
        _check_is_built_in(vision["timm_model_name"])
        vision["timm_model_pretrained"] = False
    vision["output_tokens"] = False
    config = CLIPVisionCfg(**vision)
    return _build_vision_tower(architecture["embed_dim"], config, quick_gelu=architecture["quick_gelu"])


def _build_open_clip_text(architecture: OpenClipTextArchitecture) -> nn.Module:
    from open_clip.model import CLIPTextCfg, _build_text_tower

    text = dict(architecture["text"])
    text["output_tokens"] = False
    config = CLIPTextCfg(**text)
    return _build_text_tower(architecture["embed_dim"], config, quick_gelu=architecture["quick_gelu"])


def _build_histogram(architecture: HistogramArchitecture) -> nn.Module:
    return Histogram()


def _check_is_built_in(name: str) -> None:
    """Raise ValueError for a name such as hf-hub:owner/x, which would fetch from elsewhere."""
    if ":" in name or "/" in name:
        raise ValueError(f"{name!r} is no architecture that is built in")


BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "timm": _build_timm,
    "open_clip": _build_open_clip_image,
    "open_clip_text": _build_open_clip_text,
    "histogram": _build_histogram,
}
