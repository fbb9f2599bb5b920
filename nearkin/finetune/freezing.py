"""Which part of an encoder is trained, and where the frozen part ends."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from nearkin.encoders.architectures import ImageEncoder

if TYPE_CHECKING:  # both take seconds to import
    from open_clip.transformer import VisionTransformer as ClipTransformer
    from timm.models.efficientnet import EfficientNet
    from timm.models.vision_transformer import VisionTransformer

TensorFunction = Callable[[torch.Tensor], torch.Tensor]
"""A part of a network."""

Sections = tuple[TensorFunction, list[nn.Module], TensorFunction]
"""The stem of a network, its blocks, and what follows them."""


class FrozenSplit:
    """An encoder in two parts: `frozen(pixels)` and `trainable(activations)`.

    trainable(frozen(pixels)) is the encoder's output for uint8 pixels (n, size, size, 3). `frozen`
    is None if everything is trained; then `trainable` takes the pixels. `parameters` are the trained
    ones by name. The encoder is always in evaluation mode, so normalisation statistics do not change.
    """

    def __init__(
        self, tower: ImageEncoder, frozen: TensorFunction | None, trainable: TensorFunction, *, size: int
    ) -> None:
        self.tower, self.frozen, self.trainable = tower.eval(), frozen, trainable
        tower.requires_grad_(True)
        used = self._find_used_parameters(size)
        self.parameters = {name: value for name, value in tower.named_parameters() if name in used}
        for name, value in tower.named_parameters():
            value.requires_grad_(name in used)

    def _find_used_parameters(self, size: int) -> set[str]:
        """The names of the parameters that `trainable` uses."""
        parameters, pixels = dict(self.tower.named_parameters()), _make_black_image(self.tower, size)
        with torch.no_grad():
            activations = pixels if self.frozen is None else self.frozen(pixels)
        output = self.trainable(activations).sum()
        gradients = torch.autograd.grad(output, list(parameters.values()), allow_unused=True)
        return {name for name, gradient in zip(parameters, gradients, strict=True) if gradient is not None}


def freeze(tower: ImageEncoder, trainable: str, *, width: int, size: int) -> FrozenSplit:
    """A tower split by `trainable`: all, head or last_N.

    `head` is a linear map of the frozen features onto as many numbers, which starts as the
    identity and becomes part of the encoder. `last_N` are the last N blocks of the network
    and everything after them. `size` is the side of an image in pixels. Raises ValueError for a network
    whose blocks are not known, and for one whose vectors do not have `width` numbers.
    """
    if not list(tower.parameters()):
        raise ValueError("this encoder has no weights that could be trained; take another base")
    with torch.no_grad():
        actual_width = tower(_make_black_image(tower, size)).shape[1]
    if actual_width != width:
        raise ValueError(
            f"the base gives vectors of {actual_width} numbers, but its encoder.json says {width}: remove "
            "its folder and rerun prepare_encoder"
        )
    if trainable == "all":
        return FrozenSplit(tower, None, tower, size=size)
    if trainable == "head":
        if tower.projection is None:
            tower.projection = _make_identity_layer(width, next(tower.parameters()).device)
        return FrozenSplit(
            tower, lambda pixels: tower.trunk(tower.normalise(pixels)), tower.project, size=size
        )
    stem, blocks, tail = split_blocks(tower.trunk)
    n_last = int(trainable.removeprefix("last_"))
    if n_last > len(blocks):
        raise ValueError(
            f"finetune.trainable: {trainable}, but the encoder has {len(blocks)} blocks; write all"
        )
    first, last = nn.Sequential(*blocks[: len(blocks) - n_last]), nn.Sequential(*blocks[-n_last:])
    return FrozenSplit(
        tower,
        lambda pixels: first(stem(tower.normalise(pixels))),
        lambda activations: tower.project(tail(last(activations))),
        size=size,
    )


def split_blocks(trunk: nn.Module) -> Sections:
    """A network as `(stem, blocks, tail)`: its output is tail(blocks(stem(images)))."""
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer as ClipTransformer
    from timm.models.efficientnet import EfficientNet
    from timm.models.vision_transformer import VisionTransformer

    if isinstance(trunk, TimmModel):
        stem, blocks, tail = split_blocks(trunk.trunk)
        return stem, blocks, lambda x: trunk.head(tail(x))
    if isinstance(trunk, EfficientNet):
        return _split_efficientnet(trunk)
    if isinstance(trunk, VisionTransformer):
        return _split_timm_transformer(trunk)
    if isinstance(trunk, ClipTransformer) and trunk.transformer.batch_first:
        return _split_clip_transformer(trunk)
    raise ValueError(
        f"finetune.trainable: the blocks of {type(trunk).__name__} are not known (those of EfficientNet and "
        "of vision transformers are); write all or head"
    )


def _split_efficientnet(trunk: "EfficientNet") -> Sections:
    stages = cast("Iterable[nn.Sequential]", trunk.blocks)
    blocks = [block for stage in stages for block in stage]
    return (
        lambda x: trunk.bn1(trunk.conv_stem(x)),
        blocks,
        lambda x: trunk.forward_head(trunk.bn2(trunk.conv_head(x))),
    )


def _split_timm_transformer(trunk: "VisionTransformer") -> Sections:
    return (
        lambda x: trunk.norm_pre(trunk.patch_drop(trunk._pos_embed(trunk.patch_embed(x)))),
        list(trunk.blocks),
        lambda x: trunk.forward_head(trunk.norm(x)),
    )


def _split_clip_transformer(trunk: "ClipTransformer") -> Sections:
    def tail(x: torch.Tensor) -> torch.Tensor:
        pooled, _ = trunk._pool(x)
        return pooled if trunk.proj is None else pooled @ trunk.proj

    return trunk._embeds, list(trunk.transformer.resblocks), tail


def _make_black_image(tower: nn.Module, size: int) -> torch.Tensor:
    """One image, on the device of the tower."""
    device = next(tower.parameters()).device
    return torch.zeros(1, size, size, 3, dtype=torch.uint8, device=device)


def _make_identity_layer(width: int, device: torch.device) -> nn.Linear:
    projection = nn.Linear(width, width, bias=False, device=device)
    nn.init.eye_(projection.weight)
    return projection
