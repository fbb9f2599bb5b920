"""Runs one method of embedding a folder of JPEGs in this process; prints its costs.

    python -m benchmarks.methods.embedding open_clip photos/ ViT-B-32.pt vectors.npy

Loading weights is not measured, nor is the preparation: one batch of black images, and the
sizes and digests of the files, which a study has from their inspection.
"""

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.methods.meter import measure_cost

MODEL, SIZE, WIDTH = "ViT-B-32", 224, 512
SMALL_SIZE = 32  # pixels, for the colour histogram
THREADS = 2
BATCH_SIZE = 64  # of the plain loop and of clip-retrieval; smaller batches are no faster there
OUR_BATCH_SIZE = 16
CHUNK_ROWS = 4096


def open_clip(folder, checkpoint):
    """The plain loop: a DataLoader with two workers and the library's own transform, in fp32."""
    import torch
    from open_clip import create_model_and_transforms
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    model, _, transform = create_model_and_transforms(MODEL, pretrained=checkpoint)
    model.eval()

    class Images(Dataset):
        paths = _list_photos(folder)

        def __len__(self):
            return len(self.paths)

        def __getitem__(self, number):
            return transform(Image.open(self.paths[number]))

    def embed():
        parts = []
        with torch.inference_mode():
            for images in DataLoader(Images(), batch_size=BATCH_SIZE, num_workers=THREADS):
                parts.append(model.encode_image(images, normalize=True).numpy())
        return np.concatenate(parts)

    with torch.inference_mode():
        model.encode_image(torch.zeros(BATCH_SIZE, 3, SIZE, SIZE))
    return measure_cost(embed)


def clip_retrieval(folder, checkpoint):
    """The peer's own inference and timer: from the request of the first batch to the last write."""
    from clip_retrieval import clip_inference

    with tempfile.TemporaryDirectory() as output:
        clip_inference(
            folder, output, clip_model=f"open_clip:{MODEL}/{checkpoint}", batch_size=BATCH_SIZE,
            num_prepro_workers=THREADS, enable_text=False,
        )  # fmt: skip
        (stats,) = Path(output, "stats").glob("*.json")
        (vectors,) = Path(output, "img_emb").glob("*.npy")
        seconds = json.loads(stats.read_text(encoding="utf-8"))["total_duration"]
        return np.load(vectors).astype(np.float32), {"seconds": seconds}


def nearkin(folder, checkpoint, precision, decode):
    """Decodes files while the encoder works, as in a study without a pixel cache."""
    return _embed(_load_encoder(checkpoint, precision), _make_reader(folder, decode, SIZE))


def nearkin_cached(folder, checkpoint, precision, decode):
    """The same from cached pixels, as for a second model."""
    from nearkin.images.pixel_cache import PixelCache, write_cache

    with tempfile.TemporaryDirectory() as output:
        cache_path = Path(output, "pixels.arrow")
        write_cache(
            _inspect(folder),
            cache_path,
            earlier_path=cache_path,
            preprocessing=_make_preprocessing(folder, decode, SIZE),
            n_threads=THREADS,
        )
        return _embed(_load_encoder(checkpoint, precision), PixelCache(cache_path))


def many(folder, checkpoint):
    """A shard with a colour histogram as encoder, as the rule embeds it: the costs without a network."""
    from nearkin.encoders.encoder import save_encoder
    from nearkin.encoders.prepare import build_encoder
    from scripts.embed_images import embed_images

    pixels = _make_reader(folder, "exact", SMALL_SIZE)
    with tempfile.TemporaryDirectory() as output:
        weights, description, embeddings = (
            Path(output, name) for name in ("weights.safetensors", "encoder.json", "0.parquet")
        )
        save_encoder(
            *build_encoder({"library": "histogram"}, _make_geometry(SMALL_SIZE)), weights, description
        )
        settings = {"precision": "fp32", "batch_size": OUR_BATCH_SIZE, "encoder_threads": THREADS}
        _, cost = measure_cost(
            lambda: embed_images(
                weights, description, pixels, embeddings, **settings, dataset="photos", model="colours"
            )
        )
    return np.empty((0, WIDTH)), cost


def forward(folder, checkpoint, precision):
    """Only the forward pass, repeated for one batch in memory until the number of images; no vectors."""
    encoder, images = _load_encoder(checkpoint, precision), _make_black_images(SIZE, OUR_BATCH_SIZE)
    n_photos = len(_list_photos(folder))
    n_batches = -(-n_photos // OUR_BATCH_SIZE)

    def embed():
        for _ in range(n_batches):
            encoder.embed(images)

    encoder.embed(images)
    _, cost = measure_cost(embed)
    cost["seconds"] *= n_photos / (n_batches * OUR_BATCH_SIZE)
    return np.empty((0, WIDTH)), cost


METHODS = {
    method.__name__: method for method in (open_clip, clip_retrieval, nearkin, nearkin_cached, forward, many)
}


def _list_photos(folder):
    return sorted(Path(folder).glob("*.jpg"))


def _make_black_images(size, batch_size):
    return np.zeros((batch_size, size, size, 3), dtype=np.uint8)


def _load_encoder(checkpoint, precision):
    """ViT-B/32 with the weights that all methods share, ready to embed."""
    import torch

    from nearkin.encoders.encoder import Encoder
    from nearkin.encoders.inference import optimise_for_inference
    from nearkin.encoders.prepare import build_encoder

    torch.set_num_threads(THREADS)
    model = {"library": "open_clip", "name": MODEL, "weights": checkpoint}
    image_encoder, description = build_encoder(model, _make_geometry(SIZE))
    return optimise_for_inference(
        Encoder(image_encoder, description, torch.device("cpu")), precision=precision
    )


def _embed(encoder, pixels):
    from nearkin.embeddings.embed import embed_pixels

    encoder.embed(_make_black_images(pixels.geometry["size"], OUR_BATCH_SIZE))

    def compute_vectors():
        parts = embed_pixels(encoder, pixels, batch_size=OUR_BATCH_SIZE, cached=None, model=MODEL)
        return np.concatenate([part["emb"].to_numpy() for part in parts])

    return measure_cost(compute_vectors)


def _make_geometry(size):
    return {"size": size, "crop_pct": 1.0, "interpolation": "bicubic"}


def _make_preprocessing(folder, decode, size):
    return {"folder": folder, "geometry": _make_geometry(size), "decode": decode, "max_megapixels": 100}


def _make_reader(folder, decode, size):
    from nearkin.images.reader import ImageFileReader

    return ImageFileReader(
        _inspect(folder), preprocessing=_make_preprocessing(folder, decode, size), n_threads=THREADS
    )


def _inspect(folder):
    """The columns of the inspection that embedding uses; the uuid is the file's name."""
    import polars as pl

    fields = dict.fromkeys(("uuid", "path", "error"), pl.String) | {
        "n_bytes": pl.Int64,
        "sha256": pl.String,
    }
    digests = {}  # hard links to the same file are read once
    names, parts = sorted(os.listdir(folder)), []
    for start in range(
        0, len(names), CHUNK_ROWS
    ):  # tables, because Python rows would take most of the memory
        rows = []
        for name in names[start : start + CHUNK_ROWS]:
            path = Path(folder, name)
            status = path.stat()
            if status.st_ino not in digests:
                digests[status.st_ino] = hashlib.sha256(path.read_bytes()).hexdigest()
            rows.append((path.stem, name, None, status.st_size, digests[status.st_ino]))
        parts.append(pl.DataFrame(rows, schema=fields, orient="row"))
    return pl.concat(parts)


def main(method, folder, checkpoint, vectors_path, *arguments):
    vectors, cost = METHODS[method](folder, checkpoint, *arguments)
    np.save(vectors_path, vectors)
    print(f"\n{json.dumps(cost)}")  # a peer may have left a line open


if __name__ == "__main__":
    main(*sys.argv[1:])
