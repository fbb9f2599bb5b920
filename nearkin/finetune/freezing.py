"""Which part of an encoder is trained, and where the frozen part ends."""

import torch
from torch import nn


class Parts:
    """An encoder cut in two: `before(pixels)`, frozen, and `after(activations)`, trained.

    after(before(pixels)) is what the encoder gives for uint8 pixels (n, size, size, 3).
    `before` is None where all is trained; then `after` takes the pixels. `parameters` are
    the trained ones by name. Normalisation statistics stay as they are: the encoder is
    always in evaluation mode.
    """

    def __init__(self, tower, before, after):
        self.tower, self.before, self.after = tower.eval(), before, after
        tower.requires_grad_(True)
        used = self._used()
        self.parameters = {name: value for name, value in tower.named_parameters() if name in used}
        for name, value in tower.named_parameters():
            value.requires_grad_(name in used)

    def _used(self):
        """The names of the parameters that `after` looks at."""
        named, pixels = dict(self.tower.named_parameters()), _black(self.tower)
        with torch.no_grad():
            fed = pixels if self.before is None else self.before(pixels)
        found = torch.autograd.grad(self.after(fed).sum(), list(named.values()), allow_unused=True)
        return {name for name, gradient in zip(named, found, strict=True) if gradient is not None}


def cut(tower, trainable, *, width, size):
    """The parts of a tower for `trainable`: all, head or last_N.

    `head` is a linear map of the frozen features onto as many numbers, which starts as the
    identity and becomes part of the encoder. `last_N` are the last N blocks of the network
    and all that follows them. Raises ValueError for a network whose blocks are not known, and
    for one that does not give vectors of `width` numbers.
    """
    tower.image_shape = (size, size, 3)
    if not list(tower.parameters()):
        raise ValueError("this encoder has no weights that could be trained; take another base")
    with torch.no_grad():
        found = tower(_black(tower)).shape[1]
    if found != width:
        raise ValueError(
            f"the base gives vectors of {found} numbers, but its encoder.json says {width}: remove its "
            "folder and rerun prepare_encoder"
        )
    if trainable == "all":
        return Parts(tower, None, tower)
    if trainable == "head":
        if tower.projection is None:
            tower.projection = _identity(width, next(tower.parameters()).device)
        return Parts(tower, lambda pixels: tower.trunk(tower.normalised(pixels)), tower.projected)
    stem, blocks, tail = sections(tower.trunk)
    n_last = int(trainable.removeprefix("last_"))
    if n_last > len(blocks):
        raise ValueError(
            f"finetune.trainable: {trainable}, but the encoder has {len(blocks)} blocks; write all"
        )
    frozen, trained = nn.Sequential(*blocks[: len(blocks) - n_last]), nn.Sequential(*blocks[-n_last:])
    return Parts(
        tower,
        lambda pixels: frozen(stem(tower.normalised(pixels))),
        lambda activations: tower.projected(tail(trained(activations))),
    )


def sections(trunk):
    """A network as `(stem, blocks, tail)`: tail(blocks(stem(images))) is what it gives."""
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer as ClipTransformer
    from timm.models.efficientnet import EfficientNet
    from timm.models.vision_transformer import VisionTransformer

    if isinstance(trunk, TimmModel):
        stem, blocks, tail = sections(trunk.trunk)
        return stem, blocks, lambda x: trunk.head(tail(x))
    if isinstance(trunk, EfficientNet):
        return _of_efficientnet(trunk)
    if isinstance(trunk, VisionTransformer):
        return _of_transformer(trunk)
    if isinstance(trunk, ClipTransformer) and trunk.transformer.batch_first:
        return _of_clip(trunk)
    raise ValueError(
        f"finetune.trainable: the blocks of {type(trunk).__name__} are not known (those of EfficientNet and "
        "of vision transformers are); write all or head"
    )


def _of_efficientnet(trunk):
    blocks = [block for stage in trunk.blocks for block in stage]
    return (
        lambda x: trunk.bn1(trunk.conv_stem(x)),
        blocks,
        lambda x: trunk.forward_head(trunk.bn2(trunk.conv_head(x))),
    )


def _of_transformer(trunk):
    return (
        lambda x: trunk.norm_pre(trunk.patch_drop(trunk._pos_embed(trunk.patch_embed(x)))),
        list(trunk.blocks),
        lambda x: trunk.forward_head(trunk.norm(x)),
    )


def _of_clip(trunk):
    def tail(x):
        pooled, _ = trunk._pool(x)
        return pooled if trunk.proj is None else pooled @ trunk.proj

    return trunk._embeds, list(trunk.transformer.resblocks), tail


def _black(tower):
    """One image, where the tower computes."""
    device = next(tower.parameters()).device
    return torch.zeros(1, *tower.image_shape, dtype=torch.uint8, device=device)


def _identity(width, device):
    projection = nn.Linear(width, width, bias=False, device=device)
    nn.init.eye_(projection.weight)
    return projection
