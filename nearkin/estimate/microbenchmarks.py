"""How fast this machine runs the expensive parts of a run, each measured for a second or two."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import polars as pl
import torch

from nearkin.driver.config_types import ModelConfig, SyntheticConfig
from nearkin.encoders.architectures import Architecture, ImageEncoder, build_network
from nearkin.encoders.device import choose_device
from nearkin.encoders.encoder import Encoder, EncoderSpec
from nearkin.encoders.inference import optimise_for_inference
from nearkin.estimate.counts import list_synthetic_records
from nearkin.finetune.freezing import freeze
from nearkin.images.inspect import inspect_files
from nearkin.images.reader import ImageFileReader
from nearkin.images.settings import Geometry
from nearkin.images.source import Preprocessing
from nearkin.search import exact_knn
from nearkin.sources.safe_paths import AnyPath
from nearkin.synthetic import scene
from nearkin.synthetic.encode import encode
from nearkin.tables.images import Inspection

N_QUERIES, N_SMALL, N_LARGE = 512, 2_048, 16_384
"""Query vectors, and vectors of two galleries, whose difference gives the costs of a query and of a pair."""

N_WARM_UP = 64
"""Vectors of a first search that is not measured."""

LATENT_DIMENSIONS = 32
TRAINING_BATCH = 8
"""Images of a training step."""

MIN_SECONDS = 0.3
"""How long a part is measured."""

MEAN, STD = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
"""Leave pixels between 0 and 1, as the colour histogram needs them; they change no network's speed."""


class Network(NamedTuple):
    """An encoder's network: numbers in a vector, parameters, and seconds per image."""

    width: int
    n_parameters: int
    seconds: float


def measure_drawing(settings: SyntheticConfig, folder: AnyPath, *, n: int) -> tuple[float, float]:
    """Mean `(seconds, bytes)` of a synthetic image; `n` of them are written into `folder`."""
    entries = [entry for entry in list_synthetic_records(settings) if entry.specimen >= 0]
    entries = entries[:: max(1, len(entries) // n)][:n]
    n_bytes, start = 0, time.perf_counter()
    for number, entry in enumerate(entries):
        path = cast("str", entry.path)
        image = scene.draw_picture(
            entry.species,
            entry.specimen,
            entry.view,
            seed=settings["seed"],
            image_size=settings["image_size"],
        )
        data, _ = encode(image, path)
        n_bytes += Path(folder, f"{number}{Path(path).suffix}").write_bytes(data)
    return (time.perf_counter() - start) / len(entries), n_bytes / len(entries)


def measure_inspecting(
    paths: list[str], folder: AnyPath, *, max_megapixels: float, trusted: Iterable[AnyPath] = ()
) -> tuple[pl.DataFrame, float]:
    """The `Inspection` table of some files of a folder, and the seconds per file."""
    uuids = [f"{number:06d}" for number in range(len(paths))]
    images = pl.DataFrame({"uuid": uuids, "path": paths}).with_columns(match_kind=pl.lit("exact"))
    inspect = partial(
        inspect_files,
        folder=folder,
        max_megapixels=max_megapixels,
        earlier=Inspection.create_empty(),
        trusted=trusted,
    )
    inspect(images[:1])  # what happens only once is not measured
    start = time.perf_counter()
    table, _ = inspect(images)
    return table, (time.perf_counter() - start) / len(paths)


def measure_decoding(inspection: pl.DataFrame, preprocessing: Preprocessing) -> float | None:
    """Seconds in which one thread decodes and resizes an image; None if no image is readable."""
    reader = ImageFileReader(inspection, preprocessing=preprocessing, n_threads=1)
    if not len(reader):
        return None
    start = time.perf_counter()
    for row in range(len(reader)):
        reader[row]
    return (time.perf_counter() - start) / len(reader)


def measure_embedding(
    architecture: Architecture,
    geometry: Geometry,
    *,
    precision: str | None,
    batch_size: int,
    threads: int,
) -> Network:
    """The `Network` of an architecture, measured with random weights. A histogram has no `precision`."""
    torch.set_num_threads(threads)
    tower = _build_tower(architecture)
    images = np.random.default_rng(0).integers(
        256, size=(batch_size, *[geometry["size"]] * 2, 3), dtype=np.uint8
    )
    with torch.inference_mode():
        width = tower(torch.from_numpy(images[:1])).shape[1]
    n_parameters = sum(parameter.numel() for parameter in tower.parameters())
    description = EncoderSpec(
        library=architecture["library"], name="", weights="", architecture=architecture, width=width,
        projection=False, parameters=n_parameters, source="", mean=MEAN, std=STD, **geometry,
    )  # fmt: skip
    encoder = optimise_for_inference(
        Encoder(tower, description, choose_device()), precision=precision or "fp32"
    )
    return Network(width, n_parameters, _measure_seconds(lambda: encoder.embed(images)) / batch_size)


def measure_learning(
    architecture: Architecture, geometry: Geometry, *, width: int, trainable: str, threads: int
) -> tuple[float, float]:
    """`(frozen, learning)`: seconds per image of the frozen part, and of a training step of the other."""
    torch.set_num_threads(threads)
    size = geometry["size"]
    parts = freeze(_build_tower(architecture).to(choose_device()), trainable, width=width, size=size)
    pixels = torch.zeros(TRAINING_BATCH, size, size, 3, dtype=torch.uint8, device=choose_device())

    def run_frozen() -> torch.Tensor:
        with torch.no_grad():
            return pixels if parts.frozen is None else parts.frozen(pixels).float()

    def learn() -> None:
        parts.trainable(activations).sum().backward()

    activations = run_frozen()
    frozen = 0.0 if parts.frozen is None else _measure_seconds(run_frozen)
    return frozen / TRAINING_BATCH, _measure_seconds(learn) / TRAINING_BATCH


def measure_searching(width: int, *, depth: int, threads: int) -> tuple[float, float]:
    """`(seconds per query, seconds per pair)` of the exact search, on vectors of LATENT_DIMENSIONS."""
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(N_LARGE, LATENT_DIMENSIONS)) @ rng.normal(size=(LATENT_DIMENSIONS, width))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    def measure_query(n_queries: int, n_gallery: int) -> float:
        codes = np.arange(n_gallery)
        start = time.perf_counter()
        for _ in exact_knn.knn(
            vectors[:n_queries], codes[:n_queries], vectors[:n_gallery], codes, depth=depth
        ):
            pass
        return (time.perf_counter() - start) / n_queries

    measure_query(N_WARM_UP, N_WARM_UP)
    small, large = measure_query(N_QUERIES, N_SMALL), measure_query(N_QUERIES, N_LARGE)
    pair = max(0.0, large - small) / (N_LARGE - N_SMALL)
    return max(0.0, small - N_SMALL * pair), pair


def architecture_of(model: ModelConfig) -> Architecture | None:
    """The architecture of a model's config entry; None if it is only known with the weights."""
    library, name = model.get("library"), model.get("name", "")
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
    if config is None:
        return None
    return {
        "library": "open_clip",
        "embed_dim": config["embed_dim"],
        "vision": config["vision_cfg"],
        "quick_gelu": bool(config.get("quick_gelu")),
    }


def _build_tower(architecture: Architecture) -> ImageEncoder:
    return ImageEncoder(build_network(architecture), mean=MEAN, std=STD).eval()


def _measure_seconds(work: Callable[[], object]) -> float:
    """Mean seconds of the calls that fit into MIN_SECONDS; a first call is not measured."""
    work()
    n, start = 0, time.perf_counter()
    while n == 0 or time.perf_counter() - start < MIN_SECONDS:
        work()
        n += 1
    return (time.perf_counter() - start) / n
