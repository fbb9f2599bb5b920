"""The networks behind encoders, built from plain values, without any weights.

An architecture is a small dict, part of an encoder's description, from which the network
can be built again without a hub or a registry: `library` (timm, open_clip, open_clip_text or
histogram) and what that library needs.
"""

import torch
from torch import nn

N_BINS = 8


def build_network(architecture):
    """The network of an architecture: normalised (n, 3, size, size) to features (n, width).

    That of texts takes tokens (n, length). Nothing is downloaded and no weights are loaded; those
    in it are meaningless.
    """
    return BUILDERS[architecture["library"]](architecture)


class ImageEncoder(nn.Module):
    """A whole encoder: uint8 pixels (n, size, size, 3) to features (n, width), not normalised.

    `trunk` is the network as its library builds it. `projection` is a linear map on its
    features, there only where one was trained; None else. `dtype` is that of the weights.
    """

    dtype = torch.float32

    def __init__(self, trunk, *, mean, std, projected_width=None):
        super().__init__()
        self.trunk = trunk
        self.projection = None
        if projected_width is not None:
            self.projection = nn.Linear(projected_width, projected_width, bias=False)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    def normalise(self, pixels):
        """What the trunk is given: (n, 3, size, size), channels last in memory."""
        return ((pixels.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std).to(self.dtype)

    def project(self, features):
        return features if self.projection is None else self.projection(features)

    def forward(self, pixels):
        return self.project(self.trunk(self.normalise(pixels)))


class Histogram(nn.Module):
    """Joint histogram of RGB, 8 x 8 x 8 bins, as square roots of shares: (n, 512).

    The floor for every comparison: what colours alone say (Swain and Ballard 1991). The
    cosine of two is the Bhattacharyya coefficient of the histograms.
    """

    def forward(self, images):
        """`images` in 0..1, (n, 3, height, width)."""
        levels = (images * 255).round().long() * N_BINS // 256  # (n, 3, height, width)
        bins = ((levels[:, 0] * N_BINS + levels[:, 1]) * N_BINS + levels[:, 2]).flatten(1)
        counts = torch.zeros(len(bins), N_BINS**3, device=bins.device)
        counts.scatter_add_(1, bins, torch.ones_like(bins, dtype=counts.dtype))
        return (counts / bins.shape[1]).sqrt()


def _build_timm(architecture):
    import timm

    _check_is_built_in(architecture["name"])
    return timm.create_model(architecture["name"], pretrained=False, num_classes=0, **architecture["options"])


def _build_open_clip_image(architecture):
    from open_clip.model import _build_vision_tower

    vision = dict(architecture["vision"])
    if vision.get("timm_model_name"):
        _check_is_built_in(vision["timm_model_name"])
        vision["timm_model_pretrained"] = False
    vision["output_tokens"] = False
    return _build_vision_tower(architecture["embed_dim"], vision, quick_gelu=architecture["quick_gelu"])


def _build_open_clip_text(architecture):
    from open_clip.model import _build_text_tower

    text = architecture["text"] | {"output_tokens": False}
    return _build_text_tower(architecture["embed_dim"], text, quick_gelu=architecture["quick_gelu"])


def _build_histogram(architecture):
    return Histogram()


def _check_is_built_in(name):
    """A name such as hf-hub:owner/x in a description would fetch from elsewhere."""
    if ":" in name or "/" in name:
        raise ValueError(f"{name!r} is no architecture that is built in")


BUILDERS = {
    "timm": _build_timm,
    "open_clip": _build_open_clip_image,
    "open_clip_text": _build_open_clip_text,
    "histogram": _build_histogram,
}
