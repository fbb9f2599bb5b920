"""The state of an interrupted training: one file, whole or absent, that only this training resumes from."""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import torch
from safetensors import SafetensorError, safe_open

from nearkin.storage.tensors import write_tensors

logger = logging.getLogger(__name__)


class Step(TypedDict):
    """An optimiser step, as a row of `Training` in nearkin.tables.training."""

    epoch: int
    step: int
    loss: float
    backbone_lr: float
    head_lr: float
    gradient_norm: float
    val_recall: float | None


class Progress(TypedDict):
    """The history of a training: its steps, the validation recall of each epoch from 0, the best epoch."""

    rows: list[Step]
    recalls: list[float | None]
    best_epoch: int


def digest_run(*parts: object) -> str:
    """A digest of everything that decides how a training goes; `parts` are plain values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def save_checkpoint(
    path: str | Path, key: str, *, tensors: Mapping[str, torch.Tensor], progress: Mapping[str, object]
) -> None:
    """Write tensors and `progress` (plain values) for the training `key`."""
    # One entry: safetensors writes several in an order that changes from run to run.
    metadata = {"state": json.dumps({"key": key, "progress": progress})}
    write_tensors(tensors, path, metadata=metadata)


def load_checkpoint(path: str | Path, key: str) -> tuple[dict[str, torch.Tensor], Progress] | None:
    """`(tensors, progress)` of the training `key`; None if there is nothing to resume.

    That is also so for a finished training, a damaged file and the state of another training.
    """
    if not Path(path).exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads((file.metadata() or {}).get("state", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
    except (SafetensorError, OSError, ValueError) as error:
        logger.warning("%s: not a whole state, starting again: %s", path, error)
        return None
    if state.get("key") != key:
        logger.info("the state in %s is of another training; starting again", path)
        return None
    return (tensors, state["progress"]) if state["progress"] else None


def finalise_checkpoint(path: str | Path, key: str, last: Mapping[str, torch.Tensor]) -> None:
    """Reduce the state of a finished training to its key and the trained tensors after the last epoch."""
    save_checkpoint(path, key, tensors={f"last/{name}": value for name, value in last.items()}, progress={})
