"""A transformer's last block without the tokens that nobody looks at afterwards."""

from torch import nn


def keep_class_token_only(trunk):
    """Let the last block of an open_clip transformer compute the class token alone, in place.

    Its keys and values still come from all tokens. Networks that are not read at the class token
    alone, and those of other libraries, stay as they are.
    """
    if not type(trunk).__module__.startswith("open_clip"):
        return  # what is not asked for need not be imported, which takes seconds
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer

    if isinstance(trunk, VisionTransformer) and trunk.pool_type == "tok" and trunk.attn_pool is None:
        blocks = trunk.transformer.resblocks
        if trunk.transformer.batch_first and type(blocks[-1]) is ResidualAttentionBlock:
            blocks[-1] = ClassTokenBlock(blocks[-1])


class ClassTokenBlock(nn.Module):
    """What a block gives for its first token: (n, tokens, width) to (n, 1, width)."""

    def __init__(self, block):
        super().__init__()
        self.block = block

    def forward(self, x, attn_mask=None):
        block, keys = self.block, self.block.ln_1(x)
        x = x[:, :1] + block.ls_1(block.attention(keys[:, :1], keys, keys, attn_mask=attn_mask))
        return x + block.ls_2(block.mlp(block.ln_2(x)))
