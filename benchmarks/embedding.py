"""Embedding with ViT-B/32 beside open_clip's plain loop and clip-retrieval, then ours alone on many images.

    PYTHONPATH=. .venv/bin/python benchmarks/embedding.py
    PYTHONPATH=. .venv/bin/python benchmarks/embedding.py --ways open_clip "nearkin bf16" --images 256

Two threads, medians of three fresh processes that take turns; weights are random, the same for
all. Without options it measures everything, draws benchmarks/embedding.png and writes
results.json and the tables in the README; with some it only prints.
"""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import beside, drawn
from benchmarks.report import publish, table

HERE = Path(__file__).parent
CHECKPOINT = beside.CACHE / "ViT-B-32.pt"
SMALL = {  # name: way, what it is told, whose environment
    "open_clip": ("open_clip", [], None),
    "clip-retrieval": ("clip_retrieval", [], "clip_retrieval"),
    "nearkin fp32": ("nearkin", ["fp32", "exact"], None),
    "nearkin bf16": ("nearkin", ["bf16", "exact"], None),
    "nearkin fp32, pixels cached": ("nearkin_cached", ["fp32", "exact"], None),
    "nearkin bf16, pixels cached": ("nearkin_cached", ["bf16", "exact"], None),
    "forward pass alone fp32": ("forward", ["fp32"], None),
    "forward pass alone bf16": ("forward", ["bf16"], None),
}
LARGE = {
    "open_clip": ("open_clip", [], None),
    "nearkin fp32": ("nearkin", ["fp32", "exact"], None),
    "nearkin bf16": ("nearkin", ["bf16", "exact"], None),
    "nearkin fp32, fast decoding": ("nearkin", ["fp32", "fast"], None),
    "nearkin bf16, fast decoding": ("nearkin", ["bf16", "fast"], None),
}
QUICK = ("open_clip", "clip-retrieval", "nearkin fp32, pixels cached", "nearkin bf16, fast decoding")
N_SMALL, N_LARGE = 256, 64
LOOP = "open_clip"


def weights():
    """The path of random weights of the whole model, made unless they are there."""
    import open_clip
    import torch

    if not CHECKPOINT.exists():
        CHECKPOINT.parent.mkdir(exist_ok=True)
        torch.manual_seed(1)
        part = CHECKPOINT.with_suffix(".part")
        torch.save(open_clip.create_model("ViT-B-32").state_dict(), part)
        part.rename(CHECKPOINT)
    return CHECKPOINT


def ask(way, told, peer, folder, vectors_path):
    return beside.ask("benchmarks.ways.embedding", way, folder, weights(), vectors_path, *told, peer=peer)


def measure(photos, paths, *, ways, repeats):
    """A record per way: median speed and memory, and how far its vectors are from the plain loop's."""
    with tempfile.TemporaryDirectory(dir=paths[0].parent) as name:
        folder, answers = Path(name, "photos"), {way: Path(name, f"{way}.npy") for way in ways}
        folder.mkdir()
        for path in paths:
            (folder / path.name).hardlink_to(path)
        asks = {way: partial(ask, *given, folder, answers[way]) for way, given in ways.items()}
        found = beside.medians(asks, repeats)
        vectors = {way: np.load(path) for way, path in answers.items()}
    loop = found[LOOP]["seconds"]
    return [
        {"photos": photos, "n": len(paths), "way": way}
        | {"per_second": len(paths) / took["seconds"], "times_loop": loop / took["seconds"]}
        | {"peak_megabytes": took["peak"], "least_cosine": least_cosine(vectors[way], vectors[LOOP])}
        for way, took in found.items()
    ]


def least_cosine(vectors, others):
    """The least cosine of two sets of unit vectors, row by row; None where there is not one of each image."""
    return float((vectors * others).sum(axis=1).min()) if vectors.shape == others.shape else None


def rows(records):
    for record in records:
        cosine = record["least_cosine"]
        yield [
            record["photos"],
            record["way"],
            f"{record['per_second']:.1f}",
            f"{record['times_loop']:.2f} x",
            f"{record['peak_megabytes']:,.0f}",
            "" if cosine is None else f"{cosine:.6f}",
        ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, help="that many small photos, and an eighth of it large ones")
    parser.add_argument(
        "--ways", nargs="+", choices=SMALL | LARGE, help="those to measure; the plain loop always is"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few images, no peer to install; prints",
    )
    options = parser.parse_args()
    repeats = 1 if options.quick else options.repeats
    n_small = options.images or (16 if options.quick else N_SMALL)
    n_large = max(1, n_small // 8) if options.images or options.quick else N_LARGE
    small = drawn.small(beside.CACHE / "small", n_small)
    large = drawn.large(beside.CACHE / "large", n_large, small)
    records = []
    for photos, paths, ways in (("small", small, SMALL), ("12 megapixels", large, LARGE)):
        wanted = [way for way in ways if not options.ways or way in (LOOP, *options.ways)]
        if options.quick:
            wanted = beside.installed({way: ways[way][2] for way in wanted if way in QUICK})
        asked = {way: ways[way] for way in wanted}
        records += measure(photos, paths, ways=asked, repeats=repeats)
    header = ["photos", "way", "images/s", "times the plain loop", "peak memory, MB", "least cosine with it"]
    whole = not (options.images or options.ways or options.quick)
    if not whole:
        print(table(header, list(rows(records))))
        return
    shared = {"repeats": repeats, "threads": beside.THREADS, "peers": beside.pins("clip_retrieval")}
    publish("embedding", shared | {"found": records}, header, list(rows(records)))


if __name__ == "__main__":
    sys.exit(main())
