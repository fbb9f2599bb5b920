"""Embedding with ViT-B/32, compared with open_clip's plain loop and clip-retrieval.

    PYTHONPATH=. .venv/bin/python benchmarks/embedding.py
    PYTHONPATH=. .venv/bin/python benchmarks/embedding.py --ways open_clip "nearkin bf16" --images 256

Two threads, medians of three new processes that take turns; weights are random, the same for
all methods. Without options it measures all methods and writes results.json and the table in the
README; with options it only prints.
"""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import peers_runner, synthetic_images
from benchmarks.report import format_table, publish

HERE = Path(__file__).parent
CHECKPOINT = peers_runner.CACHE / "ViT-B-32.pt"
SMALL_METHODS = {  # name: method, its arguments, its peer
    "open_clip": ("open_clip", [], None),
    "clip-retrieval": ("clip_retrieval", [], "clip_retrieval"),
    "nearkin fp32": ("nearkin", ["fp32", "exact"], None),
    "nearkin bf16": ("nearkin", ["bf16", "exact"], None),
    "nearkin fp32, pixels cached": ("nearkin_cached", ["fp32", "exact"], None),
    "nearkin bf16, pixels cached": ("nearkin_cached", ["bf16", "exact"], None),
    "forward pass alone fp32": ("forward", ["fp32"], None),
    "forward pass alone bf16": ("forward", ["bf16"], None),
}
LARGE_METHODS = {
    "open_clip": ("open_clip", [], None),
    "nearkin fp32": ("nearkin", ["fp32", "exact"], None),
    "nearkin bf16": ("nearkin", ["bf16", "exact"], None),
    "nearkin fp32, fast decoding": ("nearkin", ["fp32", "fast"], None),
    "nearkin bf16, fast decoding": ("nearkin", ["bf16", "fast"], None),
}
QUICK = ("open_clip", "clip-retrieval", "nearkin fp32, pixels cached", "nearkin bf16, fast decoding")
N_SMALL, N_LARGE = 256, 64
LOOP = "open_clip"


def save_weights():
    """The path of random weights of the whole model, which are created if they are missing."""
    import open_clip
    import torch

    if not CHECKPOINT.exists():
        CHECKPOINT.parent.mkdir(exist_ok=True)
        torch.manual_seed(1)
        part = CHECKPOINT.with_suffix(".part")
        torch.save(open_clip.create_model("ViT-B-32").state_dict(), part)
        part.rename(CHECKPOINT)
    return CHECKPOINT


def run_method(method, arguments, peer, folder, vectors_path):
    return peers_runner.run_module(
        "benchmarks.methods.embedding", method, folder, save_weights(), vectors_path, *arguments, peer=peer
    )


def measure(photos, paths, *, methods, repeats):
    """A record per method: median speed and memory, and how similar its vectors are to the plain loop's."""
    with tempfile.TemporaryDirectory(dir=paths[0].parent) as name:
        folder, vector_paths = (
            Path(name, "photos"),
            {method: Path(name, f"{method}.npy") for method in methods},
        )
        folder.mkdir()
        for path in paths:
            (folder / path.name).hardlink_to(path)
        runs = {
            method: partial(run_method, *settings, folder, vector_paths[method])
            for method, settings in methods.items()
        }
        medians = peers_runner.measure_medians(runs, repeats)
        vectors = {method: np.load(path) for method, path in vector_paths.items()}
    loop_seconds = medians[LOOP]["seconds"]
    return [
        {"photos": photos, "n": len(paths), "method": method}
        | {"per_second": len(paths) / cost["seconds"], "times_loop": loop_seconds / cost["seconds"]}
        | {"peak_megabytes": cost["peak"], "min_cosine": min_cosine(vectors[method], vectors[LOOP])}
        for method, cost in medians.items()
    ]


def min_cosine(vectors, others):
    """The smallest cosine of two sets of unit vectors, row by row; None if their shapes differ."""
    return float((vectors * others).sum(axis=1).min()) if vectors.shape == others.shape else None


def make_rows(records):
    for record in records:
        cosine = record["min_cosine"]
        yield [
            record["photos"],
            record["method"],
            f"{record['per_second']:.1f}",
            f"{record['times_loop']:.2f} x",
            f"{record['peak_megabytes']:,.0f}",
            "" if cosine is None else f"{cosine:.6f}",
        ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, help="number of small photos; one eighth as many large ones")
    parser.add_argument(
        "--ways",
        nargs="+",
        choices=SMALL_METHODS | LARGE_METHODS,
        help="methods to measure; the plain loop is always included",
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few images, installs no peer; only prints",
    )
    options = parser.parse_args()
    repeats = 1 if options.quick else options.repeats
    n_small = options.images or (16 if options.quick else N_SMALL)
    n_large = max(1, n_small // 8) if options.images or options.quick else N_LARGE
    small = synthetic_images.write_small(peers_runner.CACHE / "small", n_small)
    large = synthetic_images.write_large(peers_runner.CACHE / "large", n_large, small)
    records = []
    for photos, paths, methods in (("small", small, SMALL_METHODS), ("12 megapixels", large, LARGE_METHODS)):
        names = [name for name in methods if not options.ways or name in (LOOP, *options.ways)]
        if options.quick:
            names = peers_runner.select_installed({name: methods[name][2] for name in names if name in QUICK})
        records += measure(photos, paths, methods={name: methods[name] for name in names}, repeats=repeats)
    header = ["photos", "method", "images/s", "times the plain loop", "peak memory, MB", "min cosine with it"]
    is_complete = not (options.images or options.ways or options.quick)
    if not is_complete:
        print(format_table(header, list(make_rows(records))))
        return
    settings = {"repeats": repeats, "threads": peers_runner.THREADS}
    settings |= {"peers": peers_runner.read_pins("clip_retrieval")}
    publish("embedding", settings | {"records": records}, header, list(make_rows(records)))


if __name__ == "__main__":
    sys.exit(main())
