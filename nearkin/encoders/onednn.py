"""Linear maps that oneDNN computes.

On a CPU torch leaves float32 products to MKL, which on other processors than Intel's takes
up to twice the time of oneDNN; and oneDNN takes weights that were laid out for it once. Its functions
are a private part of torch, so the caller checks that they work (see `optimise_for_inference`).
"""

import torch
from torch import nn
from torch.nn import functional


def has_onednn(dtype: torch.dtype) -> bool:
    """Whether this torch has what the maps of this module need, for this type on this processor."""
    names = ("_linear_pointwise", "_reorder_linear_weight", "_is_mkldnn_bf16_supported")
    if not torch.backends.mkldnn.is_available() or not all(hasattr(torch.ops.mkldnn, name) for name in names):
        return False
    return dtype != torch.bfloat16 or torch.ops.mkldnn._is_mkldnn_bf16_supported()


def use_onednn(module: nn.Module) -> None:
    """Replace all plain linear maps and attentions inside a module, in place."""
    for name, child in module.named_children():
        if type(child) is nn.Linear:
            setattr(module, name, Linear(child.weight, child.bias))
        elif type(child) is nn.MultiheadAttention and Attention.can_replace(child):
            setattr(module, name, Attention(child))
        else:
            use_onednn(child)


class Linear(nn.Module):
    """The same map as an `nn.Linear` with these weights."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), None)
        self.bias = bias if bias is None else bias.detach()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")


class Attention(nn.Module):
    """The first of the two results of an `nn.MultiheadAttention`; the second is None."""

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        weights = attention.in_proj_weight.chunk(3)
        biases = [None] * 3 if attention.in_proj_bias is None else attention.in_proj_bias.chunk(3)
        self.n_heads = attention.num_heads
        self.maps = nn.ModuleList(map(Linear, weights, biases))
        self.out = Linear(attention.out_proj.weight, attention.out_proj.bias)

    @staticmethod
    def can_replace(attention: nn.MultiheadAttention) -> bool:
        """Whether this class computes the same as `attention`, which has no unusual options."""
        is_unusual = attention.bias_k is not None or attention.add_zero_attn
        return attention.batch_first and attention._qkv_same_embed_dim and not is_unusual

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        need_weights: bool = False,
        attn_mask: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, None]:
        if need_weights or attn_mask is not None:
            raise NotImplementedError("only what image encoders use")
        query, key, value = (
            self._split_heads(linear(x)) for linear, x in zip(self.maps, (query, key, value), strict=True)
        )
        heads = functional.scaled_dot_product_attention(query, key, value)
        return self.out(heads.transpose(1, 2).flatten(2)), None

    def _split_heads(self, x: torch.Tensor) -> torch.Tensor:
        """(n, tokens, width) to (n, heads, tokens, width of a head)."""
        return x.unflatten(2, (self.n_heads, -1)).transpose(1, 2)
