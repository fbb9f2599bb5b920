"""An encoder prepared for inference: its weights in a precision, and a faster forward pass."""

import copy
import logging

import torch
from torch import nn

from nearkin.encoders.architectures import ImageEncoder
from nearkin.encoders.class_token import keep_class_token_only
from nearkin.encoders.device import set_matmul_precision
from nearkin.encoders.encoder import Encoder
from nearkin.encoders.onednn import has_onednn, use_onednn

logger = logging.getLogger(__name__)

MAX_DEVIATION = {torch.float32: 1e-5, torch.bfloat16: 0.1}
"""Largest distance between two computations of one unit vector, by the type of the weights."""


def optimise_for_inference(encoder: Encoder, *, precision: str) -> Encoder:
    """An encoder that embeds in a precision: fp32, tf32 (fp32 but on CUDA GPUs) or bf16.

    Takes over the tower of the given encoder, which must be as it was loaded and must not be used
    afterwards. With bf16 the weights are rounded, except those of normalisations that their
    libraries compute in float32; pixels are normalised, and vectors scaled to unit length, in
    full precision. Vectors are the same as without the optimisations, up to rounding.
    """
    tower = encoder.tower
    set_matmul_precision(precision, encoder.device)
    tower.trunk.to(memory_format=torch.channels_last)
    if precision == "bf16":
        _convert_to_bf16(tower)
        if encoder.device.type == "cpu" and not has_onednn(tower.dtype):
            logger.warning("this processor does not multiply in bf16: fp32 is many times faster here")
    tower, products = _speed_up(tower, encoder.description.size, encoder.device)
    logger.info("precision %s, products by %s", precision, products)
    return Encoder(tower, encoder.description, encoder.device, precision=precision, products=products)


def _convert_to_bf16(tower: ImageEncoder) -> None:
    for part in (tower.trunk, tower.projection):
        for module in part.modules() if part is not None else ():
            if not _stays_float32(module):
                for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
                    if tensor.is_floating_point():
                        tensor.data = tensor.data.to(torch.bfloat16)
    tower.dtype = torch.bfloat16


def _stays_float32(module: nn.Module) -> bool:
    """Whether a layer is a batch norm, whose statistics need the digits, or its library calls it ...Fp32."""
    return isinstance(module, nn.modules.batchnorm._BatchNorm) or type(module).__name__.endswith("Fp32")


def _speed_up(tower: ImageEncoder, size: int, device: torch.device) -> tuple[ImageEncoder, str]:
    """A faster tower if it gives the same vectors, else the same one, and which library multiplies."""
    noise = torch.randint(0, 256, (2, size, size, 3), generator=torch.Generator().manual_seed(0))
    noise = noise.byte().to(device)
    with torch.inference_mode():
        expected = _normalise(tower(noise))
        fast, products = _copy_sharing_weights(tower), "torch"
        keep_class_token_only(fast.trunk)
        try:
            if device.type == "cpu" and has_onednn(tower.dtype):
                use_onednn(fast)
                products = "oneDNN"
            difference = (_normalise(fast(noise)) - expected).norm(dim=1).max().item()
        except Exception as error:  # of any kind: the tower works as it was
            difference = error
    if isinstance(difference, float) and difference <= MAX_DEVIATION[tower.dtype]:
        return fast, products
    logger.warning("optimised layers give other vectors here (%s): slower, by torch alone", difference)
    return tower, "torch alone"


def _copy_sharing_weights(tower: ImageEncoder) -> ImageEncoder:
    """Another tower with the same tensors, so that its layers can be replaced."""
    tensors = {id(tensor): tensor for tensor in (*tower.parameters(), *tower.buffers())}
    return copy.deepcopy(tower, tensors)


def _normalise(features: torch.Tensor) -> torch.Tensor:
    return nn.functional.normalize(features.cpu().double(), eps=1e-30)
