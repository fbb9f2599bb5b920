"""How fast this machine does the dear parts of a run, each tried for a second or two."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import torch

from nearkin.encoders.architectures import ImageEncoder, build_network
from nearkin.encoders.device import choose_device
from nearkin.encoders.encoder import Encoder, EncoderSpec
from nearkin.encoders.inference import optimise_for_inference
from nearkin.estimate.counts import entries_of
from nearkin.finetune.freezing import freeze
from nearkin.images.inspect import inspect_files
from nearkin.images.reader import ImageFileReader
from nearkin.search import exact_knn
from nearkin.sources.safe_paths import AnyPath
from nearkin.synthetic import scene
from nearkin.synthetic.encode import encode
from nearkin.tables.images import Images, Inspection

QUERIES, SMALLER, LARGER = 512, 2_048, 16_384
"""Vectors that search, and of two galleries, from which follows what a query and what a pair costs."""

WARM = 64
LATENT = 32
LEARNT_AT_ONCE = 8
LONG_ENOUGH = 0.3

AS_THEY_ARE = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
"""Pixels between 0 and 1, which every network takes as fast as its own, and the colour histogram needs."""


class Network(NamedTuple):
    """An encoder's network: numbers in a vector, parameters, and seconds for an image."""

    width: int
    n_parameters: int
    seconds: float


def drawing(museum, folder, *, n):
    """`(seconds, bytes)` of a drawn museum's picture; `n` of them are drawn into `folder`."""
    entries = [one for one in entries_of(museum) if one.specimen >= 0]
    entries = entries[:: max(1, len(entries) // n)][:n]
    n_bytes, start = 0, time.perf_counter()
    for number, one in enumerate(entries):
        picture = scene.picture(
            one.species, one.specimen, one.view, seed=museum["seed"], image_size=museum["image_size"]
        )
        data, _ = encode(picture, one.path)
        n_bytes += Path(folder, f"{number}{Path(one.path).suffix}").write_bytes(data)
    return (time.perf_counter() - start) / len(entries), n_bytes / len(entries)


def inspecting(
    paths: list[str], folder: AnyPath, *, max_megapixels: float, trusted: Iterable[AnyPath] = ()
) -> tuple[pl.DataFrame, float]:
    """The `Inspection` table of some files of a folder, and the seconds that a file takes."""
    files = {"uuid": [f"{number:06d}" for number in range(len(paths))], "path": paths}
    types = {name: column.dtype for name, column in Images.columns().items()}
    images = pl.DataFrame(files).with_columns(match=pl.lit("exact"))
    images = images.with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in types.items() if name not in images.columns
    )
    limits = {"max_megapixels": max_megapixels, "known": Inspection.create_empty(), "trusted": trusted}
    inspect_files(images[:1], folder, **limits)  # what happens once is not measured
    start = time.perf_counter()
    table, _ = inspect_files(images, folder, **limits)
    return table, (time.perf_counter() - start) / len(paths)


def decoding(inspection, preprocessing):
    """Seconds in which one thread makes a readable image into pixels; None if there is none.

    `preprocessing` is what `nearkin.images.reader.ImageFileReader` takes.
    """
    photos = ImageFileReader(inspection, preprocessing=preprocessing, n_threads=1)
    if not len(photos):
        return None
    start = time.perf_counter()
    for row in range(len(photos)):
        photos[row]
    return (time.perf_counter() - start) / len(photos)


def embedding(architecture, geometry, *, precision, batch_size, threads):
    """The `Network` of an architecture, with weights that mean nothing."""
    torch.set_num_threads(threads)
    tower = _tower(architecture)
    images = np.random.default_rng(0).integers(
        256, size=(batch_size, *[geometry["size"]] * 2, 3), dtype=np.uint8
    )
    with torch.inference_mode():
        width = tower(torch.from_numpy(images[:1])).shape[1]
    n_parameters = sum(parameter.numel() for parameter in tower.parameters())
    description = EncoderSpec(
        library=architecture["library"], name="", weights="", architecture=architecture, width=width,
        projection=False, parameters=n_parameters, source="", **geometry, **AS_THEY_ARE,
    )  # fmt: skip
    encoder = optimise_for_inference(Encoder(tower, description, choose_device()), precision=precision)
    return Network(width, n_parameters, _timed(lambda: encoder.embed(images)) / batch_size)


def learning(architecture, geometry, *, width, trainable, threads):
    """`(frozen, learning)`: seconds in which the frozen part sees an image, and the other learns from one."""
    torch.set_num_threads(threads)
    size = geometry["size"]
    parts = freeze(_tower(architecture).to(choose_device()), trainable, width=width, size=size)
    pixels = torch.zeros(LEARNT_AT_ONCE, size, size, 3, dtype=torch.uint8, device=choose_device())

    def look():
        with torch.no_grad():
            return parts.frozen(pixels).float()

    def learn():
        parts.trainable(fed).sum().backward()

    fed = pixels if parts.frozen is None else look()
    frozen = 0.0 if parts.frozen is None else _timed(look)
    return frozen / LEARNT_AT_ONCE, _timed(learn) / LEARNT_AT_ONCE


def searching(width, *, depth, threads):
    """`(seconds a query, seconds a pair)` of the exact search, on vectors that vary in LATENT ways."""
    torch.set_num_threads(threads)
    drawn = np.random.default_rng(0)
    vectors = drawn.normal(size=(LARGER, LATENT)) @ drawn.normal(size=(LATENT, width))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    def seconds(n_queries, n_gallery):
        codes = np.arange(n_gallery)
        start = time.perf_counter()
        for _ in exact_knn.knn(
            vectors[:n_queries], codes[:n_queries], vectors[:n_gallery], codes, depth=depth
        ):
            pass
        return (time.perf_counter() - start) / n_queries

    seconds(WARM, WARM)
    smaller, larger = seconds(QUERIES, SMALLER), seconds(QUERIES, LARGER)
    pair = max(0.0, larger - smaller) / (LARGER - SMALLER)
    return max(0.0, smaller - SMALLER * pair), pair


def architecture_of(model):
    """The architecture of a model's config entry; None if only its weights, not fetched yet, can tell."""
    library, name = model["library"], model.get("name", "")
    if library == "histogram":
        return {"library": "histogram"}
    if library == "pip_weights":
        return {"library": "timm", "name": "tf_efficientnet_lite0", "options": {}}
    if library == "external" or ":" in name:
        return None
    if library == "timm":
        return {"library": "timm", "name": name, "options": {}}
    import open_clip

    config = open_clip.get_model_config(name)
    return config and {
        "library": "open_clip",
        "embed_dim": config["embed_dim"],
        "vision": config["vision_cfg"],
        "quick_gelu": bool(config.get("quick_gelu")),
    }


def _tower(architecture):
    return ImageEncoder(build_network(architecture), **AS_THEY_ARE).eval()


def _timed(work):
    """Seconds of a run, the mean of as many as fit into LONG_ENOUGH; the first one does not count."""
    work()
    n, start = 0, time.perf_counter()
    while n == 0 or time.perf_counter() - start < LONG_ENOUGH:
        work()
        n += 1
    return (time.perf_counter() - start) / n
