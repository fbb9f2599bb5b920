"""A training that was interrupted: one file, whole or not there, of exactly this training."""

import hashlib
import json
import logging
from pathlib import Path

from safetensors import SafetensorError, safe_open

from nearkin.storage.tensors import write_tensors

logger = logging.getLogger(__name__)


def digest_run(*parts):
    """A digest of all that decides how a training goes; `parts` are plain values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def save_checkpoint(path, key, *, tensors, progress):
    """Write tensors and `progress` (plain values) for the training `key`."""
    # One entry: safetensors writes several in an order that changes from run to run.
    stamps = {"state": json.dumps({"key": key, "progress": progress})}
    write_tensors(tensors, path, metadata=stamps)


def load_checkpoint(path, key):
    """`(tensors, progress)` of the training `key`; None if there is none to go on with.

    A finished, a damaged and another training's state are none.
    """
    if not Path(path).exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            stamps = json.loads((file.metadata() or {}).get("state", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
    except (SafetensorError, OSError, ValueError) as error:
        logger.warning("%s: not a whole state, starting anew: %s", path, error)
        return None
    if stamps.get("key") != key:
        logger.info("the state in %s is of another training; starting anew", path)
        return None
    return (tensors, stamps["progress"]) if stamps["progress"] else None


def finalise_checkpoint(path, key, last):
    """Leave of the state whose it was, and the trained tensors as they were at the end."""
    save_checkpoint(path, key, tensors={f"last/{name}": value for name, value in last.items()}, progress={})
