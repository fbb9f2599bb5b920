"""One way of embedding a folder of JPEGs, alone in its process; prints what it took.

    python -m benchmarks.ways.embedding open_clip photos/ ViT-B-32.pt vectors.npy

Loading weights is not measured, nor is what goes before: one batch of black images, and the
sizes and digests of the files, which a study knows from their inspection.
"""

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.ways.meter import metered

MODEL, SIZE, WIDTH = "ViT-B-32", 224, 512
COARSE = 32  # pixels of a side for the encoder of colours
THREADS = 2
BATCH = 64  # of the plain loop and of clip-retrieval; smaller ones are no faster there
OUR_BATCH = 16
ROWS = 4096


def open_clip(folder, checkpoint):
    """The plain loop: a DataLoader with two workers and the library's own transform, in fp32."""
    import torch
    from open_clip import create_model_and_transforms
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    model, _, transform = create_model_and_transforms(MODEL, pretrained=checkpoint)
    model.eval()

    class Images(Dataset):
        paths = _photos(folder)

        def __len__(self):
            return len(self.paths)

        def __getitem__(self, number):
            return transform(Image.open(self.paths[number]))

    def embed():
        parts = []
        with torch.inference_mode():
            for images in DataLoader(Images(), batch_size=BATCH, num_workers=THREADS):
                parts.append(model.encode_image(images, normalize=True).numpy())
        return np.concatenate(parts)

    with torch.inference_mode():
        model.encode_image(torch.zeros(BATCH, 3, SIZE, SIZE))
    return metered(embed)


def clip_retrieval(folder, checkpoint):
    """Its own inference, timed by itself: from asking for the first batch to having written the last."""
    from clip_retrieval import clip_inference

    with tempfile.TemporaryDirectory() as output:
        clip_inference(
            folder, output, clip_model=f"open_clip:{MODEL}/{checkpoint}", batch_size=BATCH,
            num_prepro_workers=THREADS, enable_text=False,
        )  # fmt: skip
        (stats,) = Path(output, "stats").glob("*.json")
        (vectors,) = Path(output, "img_emb").glob("*.npy")
        seconds = json.loads(stats.read_text(encoding="utf-8"))["total_duration"]
        return np.load(vectors).astype(np.float32), {"seconds": seconds}


def nearkin(folder, checkpoint, precision, decode):
    """Files decoded while the encoder works, as in a study that keeps no pixels."""
    return _embedded(_encoder(checkpoint, precision), _photos_of(folder, decode, SIZE))


def nearkin_cached(folder, checkpoint, precision, decode):
    """The same when the pixels are already there, as for a second model."""
    from nearkin.images.pixel_cache import PixelCache, write_cache

    with tempfile.TemporaryDirectory() as output:
        store = Path(output, "pixels.arrow")
        write_cache(
            _inspected(folder),
            store,
            earlier_path=store,
            preprocessing=_preprocessing(folder, decode, SIZE),
            n_threads=THREADS,
        )
        return _embedded(_encoder(checkpoint, precision), PixelCache(store))


def many(folder, checkpoint):
    """A shard with an encoder of colours alone, as the rule embeds it: what all but the network takes."""
    from nearkin.encoders.encoder import save_encoder
    from nearkin.encoders.prepare import build_encoder
    from scripts.embed_images import embed_images

    pixels = _photos_of(folder, "exact", COARSE)
    with tempfile.TemporaryDirectory() as output:
        weights, description, embeddings = (
            Path(output, name) for name in ("weights.safetensors", "encoder.json", "0.parquet")
        )
        save_encoder(*build_encoder({"library": "histogram"}, _geometry(COARSE)), weights, description)
        given = {"precision": "fp32", "batch_size": OUR_BATCH, "encoder_threads": THREADS}
        _, took = metered(
            lambda: embed_images(
                weights, description, pixels, embeddings, **given, dataset="photos", model="colours"
            )
        )
    return np.empty((0, WIDTH)), took


def forward(folder, checkpoint, precision):
    """Nothing but the forward pass, of at least as many images, over one batch in memory; no vectors."""
    encoder, images = _encoder(checkpoint, precision), _black(SIZE, OUR_BATCH)
    n_photos = len(_photos(folder))
    n_batches = -(-n_photos // OUR_BATCH)

    def embed():
        for _ in range(n_batches):
            encoder.embed(images)

    encoder.embed(images)
    _, took = metered(embed)
    took["seconds"] *= n_photos / (n_batches * OUR_BATCH)
    return np.empty((0, WIDTH)), took


WAYS = {way.__name__: way for way in (open_clip, clip_retrieval, nearkin, nearkin_cached, forward, many)}


def _photos(folder):
    return sorted(Path(folder).glob("*.jpg"))


def _black(size, batch):
    return np.zeros((batch, size, size, 3), dtype=np.uint8)


def _encoder(checkpoint, precision):
    """ViT-B/32 with the weights of all ways, ready to embed."""
    import torch

    from nearkin.encoders.encoder import Encoder
    from nearkin.encoders.inference import optimise_for_inference
    from nearkin.encoders.prepare import build_encoder

    torch.set_num_threads(THREADS)
    model = {"library": "open_clip", "name": MODEL, "weights": checkpoint}
    tower, description = build_encoder(model, _geometry(SIZE))
    return optimise_for_inference(Encoder(tower, description, torch.device("cpu")), precision=precision)


def _embedded(encoder, pixels):
    from nearkin.embeddings.embed import embed_pixels

    encoder.embed(_black(pixels.geometry["size"], OUR_BATCH))

    def vectors():
        parts = embed_pixels(encoder, pixels, batch_size=OUR_BATCH, cached=None, model=MODEL)
        return np.concatenate([part["emb"].to_numpy() for part in parts])

    return metered(vectors)


def _geometry(size):
    return {"size": size, "crop_pct": 1.0, "interpolation": "bicubic"}


def _preprocessing(folder, decode, size):
    return {"folder": folder, "geometry": _geometry(size), "decode": decode, "max_megapixels": 100}


def _photos_of(folder, decode, size):
    from nearkin.images.reader import ImageFileReader

    return ImageFileReader(
        _inspected(folder), preprocessing=_preprocessing(folder, decode, size), n_threads=THREADS
    )


def _inspected(folder):
    """What the inspection of these files says that matters here; the uuid is the file's name."""
    import polars as pl

    fields = dict.fromkeys(("uuid", "path", "error"), pl.String) | {
        "n_bytes": pl.Int64,
        "sha256": pl.String,
    }
    digests = {}  # photos that are the same file under several names are read once
    names, parts = sorted(os.listdir(folder)), []
    for start in range(0, len(names), ROWS):  # tables, since rows of Python's own would be most of the memory
        rows = []
        for name in names[start : start + ROWS]:
            path = Path(folder, name)
            status = path.stat()
            if status.st_ino not in digests:
                digests[status.st_ino] = hashlib.sha256(path.read_bytes()).hexdigest()
            rows.append((path.stem, name, None, status.st_size, digests[status.st_ino]))
        parts.append(pl.DataFrame(rows, schema=fields, orient="row"))
    return pl.concat(parts)


def main(way, folder, checkpoint, vectors_path, *more):
    vectors, took = WAYS[way](folder, checkpoint, *more)
    np.save(vectors_path, vectors)
    print(f"\n{json.dumps(took)}")  # a peer may have left a line open


if __name__ == "__main__":
    main(*sys.argv[1:])
