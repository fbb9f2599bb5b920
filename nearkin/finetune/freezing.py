"""Which part of an encoder is trained, and where the frozen part ends."""

import torch
from torch import nn


class FrozenSplit:
    """An encoder in two parts: `frozen(pixels)` and `trainable(activations)`.

    trainable(frozen(pixels)) is the encoder's output for uint8 pixels (n, size, size, 3). `frozen`
    is None if everything is trained; then `trainable` takes the pixels. `parameters` are the trained
    ones by name. The encoder is always in evaluation mode, so normalisation statistics do not change.
    """

    def __init__(self, tower, frozen, trainable):
        self.tower, self.frozen, self.trainable = tower.eval(), frozen, trainable
        tower.requires_grad_(True)
        used = self._find_used_parameters()
        self.parameters = {name: value for name, value in tower.named_parameters() if name in used}
        for name, value in tower.named_parameters():
            value.requires_grad_(name in used)

    def _find_used_parameters(self):
        """The names of the parameters that `trainable` uses."""
        named, pixels = dict(self.tower.named_parameters()), _make_black_image(self.tower)
        with torch.no_grad():
            fed = pixels if self.frozen is None else self.frozen(pixels)
        found = torch.autograd.grad(self.trainable(fed).sum(), list(named.values()), allow_unused=True)
        return {name for name, gradient in zip(named, found, strict=True) if gradient is not None}


def freeze(tower, trainable, *, width, size):
    """A tower split by `trainable`: all, head or last_N.

    `head` is a linear map of the frozen features onto as many numbers, which starts as the
    identity and becomes part of the encoder. `last_N` are the last N blocks of the network
    and all that follows them. Raises ValueError for a network whose blocks are not known, and
    for one that does not give vectors of `width` numbers.
    """
    tower.image_shape = (size, size, 3)
    if not list(tower.parameters()):
        raise ValueError("this encoder has no weights that could be trained; take another base")
    with torch.no_grad():
        found = tower(_make_black_image(tower)).shape[1]
    if found != width:
        raise ValueError(
            f"the base gives vectors of {found} numbers, but its encoder.json says {width}: remove its "
            "folder and rerun prepare_encoder"
        )
    if trainable == "all":
        return FrozenSplit(tower, None, tower)
    if trainable == "head":
        if tower.projection is None:
            tower.projection = _make_identity_layer(width, next(tower.parameters()).device)
        return FrozenSplit(tower, lambda pixels: tower.trunk(tower.normalise(pixels)), tower.project)
    stem, blocks, tail = split_blocks(tower.trunk)
    n_last = int(trainable.removeprefix("last_"))
    if n_last > len(blocks):
        raise ValueError(
            f"finetune.trainable: {trainable}, but the encoder has {len(blocks)} blocks; write all"
        )
    frozen, trained = nn.Sequential(*blocks[: len(blocks) - n_last]), nn.Sequential(*blocks[-n_last:])
    return FrozenSplit(
        tower,
        lambda pixels: frozen(stem(tower.normalise(pixels))),
        lambda activations: tower.project(tail(trained(activations))),
    )


def split_blocks(trunk):
    """A network as `(stem, blocks, tail)`: tail(blocks(stem(images))) is what it gives."""
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


def _split_efficientnet(trunk):
    blocks = [block for stage in trunk.blocks for block in stage]
    return (
        lambda x: trunk.bn1(trunk.conv_stem(x)),
        blocks,
        lambda x: trunk.forward_head(trunk.bn2(trunk.conv_head(x))),
    )


def _split_timm_transformer(trunk):
    return (
        lambda x: trunk.norm_pre(trunk.patch_drop(trunk._pos_embed(trunk.patch_embed(x)))),
        list(trunk.blocks),
        lambda x: trunk.forward_head(trunk.norm(x)),
    )


def _split_clip_transformer(trunk):
    def tail(x):
        pooled, _ = trunk._pool(x)
        return pooled if trunk.proj is None else pooled @ trunk.proj

    return trunk._embeds, list(trunk.transformer.resblocks), tail


def _make_black_image(tower):
    """One image, where the tower computes."""
    device = next(tower.parameters()).device
    return torch.zeros(1, *tower.image_shape, dtype=torch.uint8, device=device)


def _make_identity_layer(width, device):
    projection = nn.Linear(width, width, bias=False, device=device)
    nn.init.eye_(projection.weight)
    return projection
