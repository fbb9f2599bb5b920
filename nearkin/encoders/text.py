"""Texts as unit vectors, by the text tower that an open_clip model has beside its image tower.

A text encoder is one safetensors file, which holds its architecture and its fingerprint too.
"""

import json
import logging

import torch
from safetensors import SafetensorError, safe_open
from torch.nn import functional
from tqdm import tqdm

from nearkin.encoders.architectures import build_network
from nearkin.encoders.checkpoints import load_strict
from nearkin.encoders.device import choose_device, set_matmul_precision
from nearkin.encoders.encoder import digest_tensors
from nearkin.encoders.open_clip_models import build_open_clip_text
from nearkin.storage.atomic import DamagedError
from nearkin.storage.tensors import write_tensors

logger = logging.getLogger(__name__)

BATCH_SIZE = 64
TOKENIZER_KEYS = ("clean", "reduction_mask")
"""What a model may say of CLIP's own tokens."""


class TextEncoder:
    """A text tower at work."""

    def __init__(self, tower, architecture, fingerprint, device):
        from open_clip.tokenizer import SimpleTokenizer

        self.tower, self.fingerprint, self.device = tower.to(device).eval(), fingerprint, device
        text = architecture["text"]
        told = {
            key: value for key, value in (text.get("tokenizer_kwargs") or {}).items() if key in TOKENIZER_KEYS
        }
        self.tokens = SimpleTokenizer(context_length=text.get("context_length", 77), **told)
        self.width = architecture["embed_dim"]

    def embed(self, texts):
        """Unit vectors of texts: float32 (n, width). What is too long is cut off, as CLIP does."""
        found = torch.empty(len(texts), self.width)
        with tqdm(total=len(texts), desc="embed", unit="text", disable=None) as bar, torch.inference_mode():
            for start in range(0, len(texts), BATCH_SIZE):
                part = texts[start : start + BATCH_SIZE]
                features = self.tower(self.tokens(part).to(self.device)).cpu().double()
                found[start : start + len(part)] = functional.normalize(features, eps=1e-30)
                bar.update(len(part))
        wrong = (found.norm(dim=1) - 1).abs().nan_to_num(nan=1) > 1e-3
        if wrong.any():
            said = texts[int(wrong.int().argmax())]
            raise ValueError(
                f"the vector of the caption {said[:80]!r} is not finite, or zero; take other weights"
            )
        return found.numpy()


def prepare_text_encoder(model, path):
    """Write the text encoder of a model to `path`; `model` is its entry in the config.

    Raises ValueError, saying what to write instead, for a model that has none.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(model.get("seed", 1))
        tower, architecture = build_open_clip_text(model["name"], model["weights"])
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tower.state_dict().items()}
    stamp = {"architecture": architecture, "fingerprint": digest_tensors(tensors, architecture)}
    write_tensors(tensors, path, metadata={"text_encoder": json.dumps(stamp, sort_keys=True)})
    logger.info("text encoder of %s, weights %s: %s", model["name"], model["weights"], stamp["fingerprint"])


def load_text_encoder(path):
    """The text encoder of a file, on the best device there is. Raises DamagedError naming a damaged file."""
    try:
        with safe_open(path, framework="pt") as file:
            stamp = json.loads(file.metadata()["text_encoder"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        architecture, fingerprint = stamp["architecture"], stamp["fingerprint"]
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
