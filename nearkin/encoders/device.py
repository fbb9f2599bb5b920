"""Where encoders compute, how exactly, and whether one fits into memory."""

import logging
import os
from pathlib import Path

import torch

from nearkin.runtime.memory import available_memory

logger = logging.getLogger(__name__)


def choose_device() -> torch.device:
    """A CUDA GPU if there is one, else an Apple GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    logger.info("no GPU is seen: computing on the CPU")
    return torch.device("cpu")


def set_matmul_precision(precision: str, device: torch.device) -> None:
    """Set up CUDA GPUs: float32 means float32 unless `precision` is tf32; all sums keep their order."""
    if device.type == "cuda":
        fast = precision == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = fast
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True
    elif precision == "tf32":
        logger.info("tf32 is a matter of CUDA GPUs: here it is fp32")


def check_memory(weights_path: str | Path, device: torch.device) -> None:
    """Raise ValueError, before anything is read, if an encoder's weights do not fit into memory."""
    size = os.path.getsize(weights_path)
    # Twice: while the weights are loaded, the network has its own.
    _check_fits(
        weights_path, 2 * size, available_memory(), "of memory", "a smaller model, or a larger machine"
    )
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
        _check_fits(
            weights_path, size, free, f"on {torch.cuda.get_device_name(device)}", "a larger or an idle GPU"
        )


def _check_fits(weights_path: str | Path, needed: int, available: int, where: str, remedy: str) -> None:
    """Raise ValueError if `needed` bytes are more than `available` ones."""
    if needed > available:
        raise ValueError(
            f"{weights_path}: the model needs {needed / 2**30:.1f} GiB {where}, "
            f"but {available / 2**30:.1f} GiB are free; take {remedy}"
        )
