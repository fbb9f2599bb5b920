"""Texts as unit vectors, by the text tower of an open_clip model.

A text encoder is one safetensors file, which holds its architecture and its fingerprint too.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from nearkin.encoders.architectures import OpenClipTextArchitecture, build_network
from nearkin.encoders.checkpoints import load_strict
from nearkin.encoders.device import choose_device, set_matmul_precision
from nearkin.encoders.encoder import digest_tensors
from nearkin.encoders.open_clip_models import build_open_clip_text
from nearkin.storage.atomic import DamagedError
from nearkin.storage.tensors import write_tensors

logger = logging.getLogger(__name__)

BATCH_SIZE = 64
TOKENIZER_KEYS = ("clean", "reduction_mask")
"""Options of CLIP's own tokenizer that a model may set."""


class TextModelSettings(TypedDict):
    """A model's entry in the config, as far as its text tower depends on it."""

    name: str
    weights: str
    seed: NotRequired[int]


class TextEncoder:
    """A text tower in use."""

    def __init__(
        self,
        tower: nn.Module,
        architecture: OpenClipTextArchitecture,
        fingerprint: str,
        device: torch.device,
    ) -> None:
        from open_clip.tokenizer import SimpleTokenizer

        self.tower, self.fingerprint, self.device = tower.to(device).eval(), fingerprint, device
        text = architecture["text"]
        options = {
            key: value for key, value in (text.get("tokenizer_kwargs") or {}).items() if key in TOKENIZER_KEYS
        }
        self.tokenize = SimpleTokenizer(context_length=text.get("context_length", 77), **options)
        self.width = architecture["embed_dim"]

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of texts: float32 (n, width). Long texts are cut off, as CLIP does."""
        vectors = torch.empty(len(texts), self.width)
        with tqdm(total=len(texts), desc="embed", unit="text", disable=None) as bar, torch.inference_mode():
            for start in range(0, len(texts), BATCH_SIZE):
                part = list(texts[start : start + BATCH_SIZE])
                features = self.tower(self.tokenize(part).to(self.device)).cpu().double()
                vectors[start : start + len(part)] = functional.normalize(features, eps=1e-30)
                bar.update(len(part))
        is_wrong = (vectors.norm(dim=1) - 1).abs().nan_to_num(nan=1) > 1e-3
        if is_wrong.any():
            text = texts[int(is_wrong.int().argmax())]
            raise ValueError(
                f"the vector of the caption {text[:80]!r} is not finite, or zero; take other weights"
            )
        return vectors.numpy()


def prepare_text_encoder(model: TextModelSettings, path: str | Path) -> None:
    """Write the text encoder of a model to `path`.

    Raises ValueError, saying what to write instead, for a model that has none.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(model.get("seed", 1))
        tower, architecture = build_open_clip_text(model["name"], model["weights"])
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tower.state_dict().items()}
    header = {"architecture": architecture, "fingerprint": digest_tensors(tensors, architecture)}
    write_tensors(tensors, path, metadata={"text_encoder": json.dumps(header, sort_keys=True)})
    logger.info("text encoder of %s, weights %s: %s", model["name"], model["weights"], header["fingerprint"])


def load_text_encoder(path: str | Path) -> TextEncoder:
    """The text encoder of a file, on the best device there is. Raises DamagedError naming a damaged file."""
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["text_encoder"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        architecture, fingerprint = header["architecture"], header["fingerprint"]
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedError(path, f"is no whole text encoder: {error}") from error
    if digest_tensors(tensors, architecture) != fingerprint:
        raise DamagedError(path, "does not have its own fingerprint")
    with torch.random.fork_rng(devices=[]):
        tower = build_network(architecture)
    load_strict(tower, tensors, source=path)
    device = choose_device()
    set_matmul_precision("fp32", device)
    return TextEncoder(tower, architecture, fingerprint, device)
