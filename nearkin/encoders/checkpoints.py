"""Weights from foreign files: read without running code in them, and loaded in full."""

import logging
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeGuard

import torch
from safetensors.torch import load_file
from torch import nn

logger = logging.getLogger(__name__)

WRAPPERS = ("state_dict", "model", "state_dict_ema", "model_state_dict")
PREFIXES = ("module.", "_orig_mod.")


def read_checkpoint(path: str | Path) -> dict[str, torch.Tensor]:
    """The tensors in a checkpoint by name: a safetensors file, or a pickle of nothing but tensors.

    Wrappers of common training loops are removed. Raises ValueError naming the file if it is damaged
    or holds code; no code in it is run.
    """
    if not Path(path).is_file():
        raise ValueError(f"{path}: no such checkpoint")
    try:
        if Path(path).suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path}: not a checkpoint of tensors alone (it may hold code, which is never run): {error}; "
            "save its state_dict() as safetensors"
        ) from error
    except Exception as error:  # on damaged bytes, pickle and torch raise errors of any kind
        raise ValueError(
            f"{path}: damaged, or not a checkpoint: {error}; copy it again, or save its state_dict()"
        ) from error
    return _unwrap(content, path)


def load_strict(
    module: nn.Module,
    tensors: Mapping[str, torch.Tensor],
    *,
    source: str | Path,
    unused: Sequence[str] = (),
) -> None:
    """Load tensors into a module: all tensors of the module, and all tensors given.

    `unused` are prefixes of names that are ignored in the checkpoint, such as a classifier's.
    Raises ValueError naming the first tensor that is missing, surplus or of another shape: what is
    not loaded would stay random. Also for weights that are not real numbers: codes of a quantised
    model would be taken for its weights.
    """
    own = module.state_dict()
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(tuple(unused))}
    missing = [name for name in own if name not in tensors and not name.endswith("num_batches_tracked")]
    surplus = [name for name in tensors if name not in own]
    shapes = [name for name in own if name in tensors and own[name].shape != tensors[name].shape]
    for names, what in [
        (missing, "missing"),
        (surplus, "not part of it"),
        (shapes, "of another shape"),
    ]:
        if names:
            raise ValueError(
                f"{source}: does not fit the architecture: {names[0]!r} is {what} ({len(missing)} missing, "
                f"{len(surplus)} too many, {len(shapes)} misshapen, of {len(own)}); name the right model"
            )
    tensors = {**own, **tensors}
    _check_are_floats(own, tensors, source)
    module.load_state_dict(tensors)


def load_by_order(module: nn.Module, tensors: Mapping[str, torch.Tensor], *, source: str | Path) -> None:
    """Load tensors with other names into a module, one by one in the order of both.

    Raises ValueError if their number or a shape differs, or weights are not real numbers.
    """
    own = module.state_dict()
    shapes = [list(tensor.shape) for tensor in tensors.values()]
    if shapes != [list(tensor.shape) for tensor in own.values()]:
        raise ValueError(f"{source}: its tensors are not those of the architecture, in order")
    tensors = dict(zip(own, tensors.values(), strict=True))
    _check_are_floats(own, tensors, source)
    module.load_state_dict(tensors)


def _check_are_floats(
    own: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor], source: str | Path
) -> None:
    for name, tensor in own.items():
        if tensor.is_floating_point() and not tensors[name].is_floating_point():
            raise ValueError(
                f"{source}: does not fit the architecture: {name!r} is {tensors[name].dtype}, not "
                f"{tensor.dtype}; if these are quantised weights, save them as floating-point numbers again"
            )


def _unwrap(content: object, path: str | Path) -> dict[str, torch.Tensor]:
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not _is_state_dict(content):
        raise ValueError(f"{path}: holds no state_dict (names and tensors); save model.state_dict()")
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in content):
            content = {name.removeprefix(prefix): tensor for name, tensor in content.items()}
    return content


def _is_state_dict(content: object) -> TypeGuard[dict[str, torch.Tensor]]:
    """Whether an object is a dict of tensors by name, with at least one."""
    if not isinstance(content, dict) or not content:
        return False
    return all(isinstance(name, str) and torch.is_tensor(tensor) for name, tensor in content.items())
