"""A transformer's last block without the tokens that are not used afterwards."""

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:  # loading open_clip takes seconds
    from open_clip.transformer import ResidualAttentionBlock


def keep_class_token_only(trunk: nn.Module) -> None:
    """Let the last block of an open_clip transformer compute the class token alone, in place.

    Its keys and values still come from all tokens. Networks whose output is more than the class
    token, and those of other libraries, stay as they are.
    """
    if not type(trunk).__module__.startswith("open_clip"):
        return  # without the import, which takes seconds
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer

    if isinstance(trunk, VisionTransformer) and trunk.pool_type == "tok" and trunk.attn_pool is None:
        blocks = trunk.transformer.resblocks
        last = blocks[-1]
        if trunk.transformer.batch_first and type(last) is ResidualAttentionBlock:
            blocks[-1] = ClassTokenBlock(last)


class ClassTokenBlock(nn.Module):
    """The output of a block for its first token: (n, tokens, width) to (n, 1, width)."""

    def __init__(self, block: "ResidualAttentionBlock") -> None:
        super().__init__()
        self.block = block

    def forward(self, x: torch.Tensor, attn_mask: torch.Tensor | None = None) -> torch.Tensor:
        block, keys = self.block, self.block.ln_1(x)
        x = x[:, :1] + block.ls_1(block.attention(keys[:, :1], keys, keys, attn_mask=attn_mask))
        return x + block.ls_2(block.mlp(block.ln_2(x)))
