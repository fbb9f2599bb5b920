"""Weights from files of others: read without running what is in them, and put in whole."""

import logging
import pickle
from pathlib import Path

import torch
from safetensors.torch import load_file

logger = logging.getLogger(__name__)

WRAPPERS = ("state_dict", "model", "state_dict_ema", "model_state_dict")
PREFIXES = ("module.", "_orig_mod.")


def read_checkpoint(path):
    """The tensors in a checkpoint by name: a safetensors file, or a pickle of nothing but tensors.

    What common training loops wrap around them is taken off. Raises ValueError naming the
    file if it is damaged or holds code; no code in it is run.
    """
    if not Path(path).is_file():
        raise ValueError(f"{path}: no such checkpoint")
    try:
        if Path(path).suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path}: not a checkpoint of tensors alone (it may hold code, which is never run): {error}; "
            "save its state_dict() as safetensors"
        ) from error
    except Exception as error:  # over damaged bytes, pickle and torch raise whatever they stumble on
        raise ValueError(
            f"{path}: damaged, or not a checkpoint: {error}; copy it anew, or save its state_dict()"
        ) from error
    return _unwrap(found, path)


def load_strict(module, tensors, *, source, unused=()):
    """Load tensors into a module, every one of them and nothing left out.

    `unused` are beginnings of names that may be in the checkpoint without being wanted,
    such as a classifier. Raises ValueError naming the first tensor that is missing, is too
    many or has another shape: what is not filled would stay random. The same for weights that
    are not real numbers: codes of a quantised model would be taken for its weights.
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
    tensors = {name: tensors.get(name, own[name]) for name in own}
    _check_are_floats(own, tensors, source)
    module.load_state_dict(tensors)


def load_by_order(module, tensors, *, source):
    """Load tensors of other names into a module, one by one in the order of both.

    Raises ValueError if their number or a shape differs, or weights are not real numbers.
    """
    own = module.state_dict()
    shapes = [list(tensor.shape) for tensor in tensors.values()]
    if shapes != [list(tensor.shape) for tensor in own.values()]:
        raise ValueError(f"{source}: its tensors are not those of the architecture, in order")
    tensors = dict(zip(own, tensors.values(), strict=True))
    _check_are_floats(own, tensors, source)
    module.load_state_dict(tensors)


def _check_are_floats(own: dict, tensors: dict, source: str | Path) -> None:
    for name, tensor in own.items():
        if tensor.is_floating_point() and not tensors[name].is_floating_point():
            raise ValueError(
                f"{source}: does not fit the architecture: {name!r} is {tensors[name].dtype}, not "
                f"{tensor.dtype}; if these are quantised weights, save them as floating-point numbers again"
            )


def _unwrap(found, path):
    for wrapper in WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(wrapper), dict):
            found = found[wrapper]
    named = isinstance(found, dict) and all(isinstance(name, str) for name in found)
    if not named or not found or not all(torch.is_tensor(v) for v in found.values()):
        raise ValueError(f"{path}: holds no state_dict (names and tensors); save model.state_dict()")
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    return found
