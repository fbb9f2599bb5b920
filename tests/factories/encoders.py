"""Small encoders and pixel caches for tests."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from nearkin.encoders.architectures import BUILDERS, ImageEncoder
from nearkin.encoders.encoder import Encoder, EncoderSpec, save_encoder
from nearkin.images import pixel_cache

torch.set_num_threads(1)  # networks this small gain nothing from a second thread, and tests run in parallel

GEOMETRY = {"size": 16, "crop_pct": 1.0, "interpolation": "bicubic"}


class Net(nn.Module):
    """A stem and three blocks on 16 x 16 pixels, 6 features."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 4, stride=4)
        self.norm = nn.BatchNorm2d(4)
        self.blocks = nn.Sequential(*[nn.Conv2d(4, 4, 1) for _ in range(3)])
        self.head = nn.Linear(4 * 16, 6)

    def forward(self, images):
        return self.head(self.blocks(self.norm(self.stem(images)).relu()).flatten(1))


def install(monkeypatch):
    """Register `{"library": "tiny"}` as an architecture."""
    monkeypatch.setitem(BUILDERS, "tiny", lambda architecture: Net())


def description(**changes):
    fields = {
        "library": "tiny",
        "name": "tiny",
        "weights": "random",
        "architecture": {"library": "tiny"},
        "width": 6,
        "mean": (0.5, 0.5, 0.5),
        "std": (0.25, 0.25, 0.25),
        "projection": False,
        "parameters": 1,
        "source": "a test",
    }
    return EncoderSpec(**(fields | GEOMETRY | changes))


def tower(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ImageEncoder(Net(), mean=(0.5,) * 3, std=(0.25,) * 3).eval()


def folder(parent, seed=0):
    """An encoder's folder: (weights path, description path, description)."""
    paths = parent / "weights.safetensors", parent / "encoder.json"
    return (*paths, save_encoder(tower(seed), description(), *paths))


def encoder(seed=0):
    return Encoder(tower(seed), description(fingerprint=f"seed {seed}"), torch.device("cpu"))


def store(path, images, uuids, decode="exact"):
    """A pixel cache of uint8 images (n, size, size, 3), written without image files."""
    order = np.argsort(uuids)
    source = SimpleNamespace(geometry=GEOMETRY | {"size": images.shape[1]}, decode=decode, pillow="12")
    source.uuids = [uuids[i] for i in order]
    source.sha256s = [hashlib.sha256(images[i].tobytes()).hexdigest() for i in order]
    schema = pixel_cache._make_schema(source)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for start in range(0, len(order), 5):
            rows = range(start, min(start + 5, len(order)))
            block = np.ascontiguousarray(images[order[rows]])
            writer.write_batch(pixel_cache._make_batch(source, rows, block, schema))
    return pixel_cache.PixelCache(path)
