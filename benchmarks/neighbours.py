"""Exact self-search beside faiss and a plain torch product, in one run; prints ratios.

    python benchmarks/neighbours.py --images 20000 --width 512 --k 10

The peers return float32 order; ours is the reproducible order of docs: float64 sums, ties by uuid.
"""

import argparse
import json
import statistics
import time

import faiss
import numpy as np
import torch

from nearkin import neighbours


def ours(vectors, k):
    itself = np.arange(len(vectors))
    found = neighbours.nearest(
        vectors, vectors, depth=k, hidden=lambda start, stop: itself[start:stop, None] == itself
    )
    return np.concatenate([indices for _, indices, _ in found])


def flat_faiss(vectors, k):
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return without_self(index.search(vectors, k + 1)[1], k)


def torch_blocks(vectors, k, block=1024):
    everyone = torch.from_numpy(vectors)
    parts = [
        (everyone[start : start + block] @ everyone.T).topk(k + 1).indices
        for start in range(0, len(vectors), block)
    ]
    return without_self(torch.cat(parts).numpy(), k)


def without_self(indices, k):
    keep = indices != np.arange(len(indices))[:, None]
    keep[keep.all(axis=1), -1] = False
    return indices[keep].reshape(len(indices), k)


def measure(vectors, k, repeats):
    """Median seconds of each way, and how often it names the same nearest image as ours."""
    results, reference = {}, ours(vectors, k)
    for way in (ours, flat_faiss, torch_blocks):
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            found = way(vectors, k)
            seconds.append(time.perf_counter() - start)
        agreement = float((found[:, 0] == reference[:, 0]).mean())
        results[way.__name__] = {"seconds": statistics.median(seconds), "same_nearest": agreement}
    for result in results.values():
        result["times_ours"] = result["seconds"] / results["ours"]["seconds"]
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    vectors = np.random.default_rng(1).normal(size=(options.images, options.width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    print(json.dumps(measure(vectors, options.k, options.repeats), indent=2))


if __name__ == "__main__":
    main()
