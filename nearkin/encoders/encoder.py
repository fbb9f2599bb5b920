"""An encoder on disk and at work: weights, a description, and a fingerprint of both.

The folder of an encoder holds `weights.safetensors` and `encoder.json`. Nothing in it is
ever unpickled or run.
"""

import dataclasses
import hashlib
import json
import logging
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.nn import functional

from nearkin.encoders.architectures import ImageEncoder, build_network
from nearkin.encoders.checkpoints import load_strict
from nearkin.encoders.device import check_memory, choose_device, set_matmul_precision
from nearkin.storage import lineage
from nearkin.storage.atomic import DamagedError, read_error, write_text
from nearkin.storage.tensors import write_tensors

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """What `encoder.json` says about an encoder."""

    library: str
    name: str
    weights: str  # as in the config
    architecture: dict  # see nearkin.encoders.architectures
    width: int  # numbers in an embedding
    mean: tuple  # of RGB in 0..1, subtracted
    std: tuple  # of RGB in 0..1, divided by
    size: int
    crop_pct: float
    interpolation: str
    projection: bool  # whether a trained linear map follows the network
    parameters: int
    source: str  # where the weights come from, in words
    base: str | None = None  # fingerprint of the encoder that this one was trained from
    recipe: dict | None = None  # how it was trained
    kept: dict | None = None  # which epoch was kept and why
    fingerprint: str = ""
    lineage: dict = dataclasses.field(default_factory=dict)  # see nearkin/storage/lineage.py

    @property
    def geometry(self):
        return {"size": self.size, "crop_pct": self.crop_pct, "interpolation": self.interpolation}


class Encoder:
    """An encoder at work: its description, its torch module and its device.

    `precision` and who computes its `products` are as `nearkin.encoders.inference` made them.
    """

    def __init__(self, tower, description, device, *, precision="fp32", products="torch"):
        self.tower = tower.to(device).eval()
        self.description, self.device = description, device
        self.precision, self.products = precision, products
        self.width, self.fingerprint = description.width, description.fingerprint

    def embed(self, pixels):
        """Unit vectors of uint8 images (n, size, size, 3): float32 (n, width), on the CPU.

        A row that is zero or not finite stays so, for the caller to name.
        """
        return self.collect(self.launch(self.pin(pixels)))

    def pin(self, pixels):
        """Images where the device can fetch them while it computes."""
        images = torch.from_numpy(pixels)
        return images.pin_memory() if self.device.type == "cuda" else images

    def launch(self, images):
        """The features of images that were brought, on their way: a CUDA GPU is not waited for."""
        apart = self.device.type == "cuda"
        with torch.inference_mode():
            features = self.tower(images.to(self.device, non_blocking=apart)).float()
            features = features.to("cpu", non_blocking=apart)
        arrived = torch.cuda.Event() if apart else None
        if apart:
            arrived.record()
        return features, arrived

    def collect(self, begun):
        """The unit vectors of what was begun."""
        features, arrived = begun
        if arrived is not None:
            arrived.synchronize()
        return functional.normalize(features.double(), eps=1e-30).float().numpy()

    @property
    def numerics_id(self):
        """What else than the encoder decides the last bits of a vector, in words."""
        where = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return f"{where}, torch {torch.__version__}, {torch.get_num_threads()} threads"


def load_encoder(weights_path, description_path):
    """The encoder of a folder, in full precision, on the best device there is.

    Raises ValueError naming the file if it is damaged, if weights and description do not
    belong together or do not fit the network, or if memory is too small for them.
    """
    description, device = read_spec(description_path), choose_device()
    check_memory(weights_path, device)
    try:
        tensors = load_file(weights_path)
    except (SafetensorError, OSError) as error:
        raise read_error(
            weights_path,
            f"not a whole safetensors file: {error}; remove it and rerun prepare_encoder or finetune_encoder",
            error,
        ) from error
    if fingerprint_encoder(tensors, description) != description.fingerprint:
        raise DamagedError(
            weights_path,
            f"does not have the fingerprint in {description_path}: one of them is damaged or "
            "belongs to another encoder; remove both and rerun prepare_encoder or finetune_encoder",
        )
    tower = build_image_encoder(description)
    load_strict(tower, tensors, source=weights_path)
    set_matmul_precision("fp32", device)
    logger.info(
        "%s %s (%d parameters) on %s", description.library, description.name, description.parameters, device
    )
    return Encoder(tower, description, device)


def build_image_encoder(description):
    """The torch module of a description, its weights not yet loaded."""
    with torch.random.fork_rng(devices=[]):
        trunk = build_network(description.architecture)
    return ImageEncoder(
        trunk,
        mean=description.mean,
        std=description.std,
        projected_width=description.width if description.projection else None,
    )


def save_encoder(tower, description, weights_path, description_path):
    """Write an encoder's folder; returns the description with its fingerprint filled in."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tower.state_dict().items()}
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ValueError(f"{description.name}: weights {broken[0]!r} are not finite; take another checkpoint")
    description = dataclasses.replace(
        description, fingerprint=fingerprint_encoder(tensors, description), lineage=lineage.record()
    )
    write_tensors(tensors, weights_path)
    fields = dataclasses.asdict(description)
    write_text(description_path, json.dumps(fields, indent=2, ensure_ascii=False) + "\n")
    logger.info("fingerprint %s", description.fingerprint)
    return description


def read_spec(path):
    """The description in an `encoder.json`."""
    try:
        fields = json.loads(Path(path).read_text(encoding="utf-8"))
        fields |= {name: tuple(float(value) for value in fields[name]) for name in ("mean", "std")}
        return EncoderSpec(**fields)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: not the description of an encoder: {error}") from error


def fingerprint_encoder(tensors, description):
    """The sha256 of all that decides an embedding: tensors, preprocessing, architecture."""
    names = ("architecture", "width", "projection", "mean", "std", "size", "crop_pct", "interpolation")
    return digest_tensors(tensors, {name: getattr(description, name) for name in names})


def digest_tensors(tensors, decisive):
    """The sha256 of tensors by name, and of plain values."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    digest.update(json.dumps(decisive, sort_keys=True).encode())
    return digest.hexdigest()
