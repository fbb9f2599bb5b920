"""Files of tensors that are either whole or not there."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from nearkin.storage.atomic import atomic_path


def write_tensors(
    tensors: Mapping[str, torch.Tensor], path: str | Path, *, metadata: dict[str, str] | None = None
) -> None:
    """Write tensors by name, from any device, and `metadata` as a safetensors file.

    Raises OSError naming `path` if the disk is full; the earlier file is kept.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        try:
            save_file(tensors, temporary, metadata=metadata)
        except SafetensorError as error:
            raise _as_os_error(error) from error


def _as_os_error(error: SafetensorError) -> Exception:
    """The OSError that safetensors reports as text, or the error itself if it is another."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(number[1]), str(error)) if number else error
