"""One way of searching vectors among themselves, alone in its process; prints what it took.

    python -m benchmarks.ways.search nearkin vectors.npy 10 found.npy

Each way gives its function after the imports, which are not measured; a small search goes
before, so that nothing that happens once is measured either.
"""

import json
import sys

import numpy as np

from benchmarks.ways.meter import metered

THREADS = 2
WARM = 256
BLOCK = 1024


def nearkin():
    import torch

    from nearkin.search import exact_knn

    torch.set_num_threads(THREADS)

    def search(vectors, k):
        found = exact_knn.self_knn(vectors, np.arange(len(vectors)), depth=k)
        return np.concatenate([indices for _, indices, _ in found])

    return search


def faiss():
    import faiss

    def search(vectors, k):
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        return without_self(index.search(vectors, k + 1)[1], k)

    return search


def pytorch_metric_learning():
    import torch
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.utils.inference import CustomKNN

    def search(vectors, k):
        everyone = torch.from_numpy(vectors)
        knn = CustomKNN(CosineSimilarity(), batch_size=BLOCK)
        return knn(everyone, k, everyone, ref_includes_query=True)[1].numpy()

    return search


def scikit_learn():
    from sklearn.neighbors import NearestNeighbors

    def search(vectors, k):
        model = NearestNeighbors(n_neighbors=k, algorithm="brute", metric="cosine").fit(vectors)
        return model.kneighbors(return_distance=False)

    return search


def reference_study():
    """The reference study's way: all similarities at once."""
    import torch

    def search(vectors, k):
        everyone = torch.from_numpy(vectors)
        similarities = everyone @ everyone.T
        similarities.fill_diagonal_(-torch.inf)
        return similarities.topk(k).indices.numpy()

    return search


WAYS = {way.__name__: way for way in (nearkin, faiss, pytorch_metric_learning, scikit_learn, reference_study)}


def without_self(indices, k):
    """Of k + 1 found by each row the k that are not itself; the last is left out where it is not among them.

    >>> without_self(np.array([[0, 1], [2, 0], [2, 1]]), 1).tolist()
    [[1], [2], [1]]
    """
    keep = indices != np.arange(len(indices))[:, None]
    keep[keep.all(axis=1), -1] = False
    return indices[keep].reshape(len(indices), k)


def main(way, vectors_path, k, found_path):
    search, vectors, k = WAYS[way](), np.load(vectors_path), int(k)
    search(vectors[:WARM], k)
    found, took = metered(search, vectors, k)
    np.save(found_path, found)
    print(json.dumps(took))


if __name__ == "__main__":
    main(*sys.argv[1:])
