"""An encoder on disk and in use: weights, a description, and a fingerprint of both.

The folder of an encoder holds `weights.safetensors` and `encoder.json`. Nothing in it is
ever unpickled or run.
"""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.nn import functional

from nearkin.encoders.architectures import Architecture, ImageEncoder, build_network
from nearkin.encoders.checkpoints import load_strict
from nearkin.encoders.device import check_memory, choose_device, set_matmul_precision
from nearkin.images.settings import Geometry
from nearkin.storage import lineage
from nearkin.storage.atomic import DamagedError, read_error, write_text
from nearkin.storage.lineage import LineageRecord
from nearkin.storage.tensors import write_tensors

logger = logging.getLogger(__name__)


class EncoderFacts(Geometry):
    """The fields of a description that follow from the network: what it is, and how it takes pixels."""

    architecture: Architecture
    mean: Sequence[float]
    std: Sequence[float]


class BestEpoch(TypedDict):
    """The epoch whose weights a fine-tuned encoder has; validation recall@1 of it and of its base."""

    epoch: int
    val_recall: float | None
    val_recall_base: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """What `encoder.json` says about an encoder."""

    library: str
    name: str
    weights: str  # as in the config
    architecture: Architecture
    width: int  # numbers in an embedding
    mean: Sequence[float]  # of RGB in 0..1, subtracted
    std: Sequence[float]  # of RGB in 0..1, divided by
    size: int
    crop_pct: float
    interpolation: str
    projection: bool  # whether a trained linear map follows the network
    parameters: int
    source: str  # where the weights come from, for readers
    base: str | None = None  # fingerprint of the encoder that this one was trained from
    recipe: Mapping[str, object] | None = None  # how it was trained
    best_epoch: BestEpoch | None = None  # which epoch was kept and why
    fingerprint: str = ""
    lineage: LineageRecord = dataclasses.field(default_factory=LineageRecord)

    @property
    def geometry(self) -> Geometry:
        """Size, crop_pct and interpolation."""
        return {"size": self.size, "crop_pct": self.crop_pct, "interpolation": self.interpolation}


class Encoder:
    """An encoder in use: its description, its torch module and its device.

    `nearkin.encoders.inference` sets `precision`, and `products`: which library multiplies.
    """

    def __init__(
        self,
        tower: ImageEncoder,
        description: EncoderSpec,
        device: torch.device,
        *,
        precision: str = "fp32",
        products: str = "torch",
    ) -> None:
        self.tower = tower.to(device).eval()
        self.description, self.device = description, device
        self.precision, self.products = precision, products
        self.width, self.fingerprint = description.width, description.fingerprint

    def embed(self, pixels: np.ndarray) -> np.ndarray:
        """Unit vectors of uint8 images (n, size, size, 3): float32 (n, width).

        A row that is zero or not finite stays so, for the caller to name.
        """
        return self.collect(self.launch(self.pin(pixels)))

    def pin(self, pixels: np.ndarray) -> torch.Tensor:
        """Images in memory that the device can copy from while it computes."""
        images = torch.from_numpy(pixels)
        return images.pin_memory() if self.device.type == "cuda" else images

    def launch(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.cuda.Event | None]:
        """The features of pinned images, for `collect`; on a CUDA GPU they may still be computed."""
        is_cuda = self.device.type == "cuda"
        with torch.inference_mode():
            features = self.tower(images.to(self.device, non_blocking=is_cuda)).float()
            features = features.to("cpu", non_blocking=is_cuda)
        if not is_cuda:
            return features, None
        event = torch.cuda.Event()
        event.record()
        return features, event

    def collect(self, pending: tuple[torch.Tensor, torch.cuda.Event | None]) -> np.ndarray:
        """The unit vectors (n, width) of what `launch` returned; waits for them."""
        features, event = pending
        if event is not None:
            event.synchronize()
        return functional.normalize(features.double(), eps=1e-30).float().numpy()

    @property
    def numerics_id(self) -> str:
        """What decides the last bits of a vector apart from the encoder: device, torch, threads."""
        where = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return f"{where}, torch {torch.__version__}, {torch.get_num_threads()} threads"


def load_encoder(weights_path: str | Path, description_path: str | Path) -> Encoder:
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


def build_image_encoder(description: EncoderSpec) -> ImageEncoder:
    """The torch module of a description, its weights not yet loaded."""
    with torch.random.fork_rng(devices=[]):
        trunk = build_network(description.architecture)
    return ImageEncoder(
        trunk,
        mean=description.mean,
        std=description.std,
        projected_width=description.width if description.projection else None,
    )


def save_encoder(
    tower: ImageEncoder,
    description: EncoderSpec,
    weights_path: str | Path,
    description_path: str | Path,
) -> EncoderSpec:
    """Write an encoder's folder; returns the description with its fingerprint filled in."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tower.state_dict().items()}
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ValueError(f"{description.name}: weights {broken[0]!r} are not finite; take another checkpoint")
    description = dataclasses.replace(
        description, fingerprint=fingerprint_encoder(tensors, description), lineage=lineage.make_record()
    )
    write_tensors(tensors, weights_path)
    fields = dataclasses.asdict(description)
    write_text(description_path, json.dumps(fields, indent=2, ensure_ascii=False) + "\n")
    logger.info("fingerprint %s", description.fingerprint)
    return description


def read_spec(path: str | Path) -> EncoderSpec:
    """The description in an `encoder.json`."""
    try:
        fields = json.loads(Path(path).read_text(encoding="utf-8"))
        fields |= {name: tuple(float(value) for value in fields[name]) for name in ("mean", "std")}
        return EncoderSpec(**fields)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: not the description of an encoder: {error}") from error


def fingerprint_encoder(tensors: Mapping[str, torch.Tensor], description: EncoderSpec) -> str:
    """The sha256 of all that decides an embedding: tensors, preprocessing, architecture."""
    names = ("architecture", "width", "projection", "mean", "std", "size", "crop_pct", "interpolation")
    return digest_tensors(tensors, {name: getattr(description, name) for name in names})


def digest_tensors(tensors: Mapping[str, torch.Tensor], decisive: Mapping[str, object]) -> str:
    """The sha256 of tensors by name, and of plain values."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    digest.update(json.dumps(decisive, sort_keys=True).encode())
    return digest.hexdigest()
