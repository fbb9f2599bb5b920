"""Runs one method of searching vectors among themselves in this process; prints its costs.

    python -m benchmarks.methods.search nearkin vectors.npy 10 neighbours.npy

Each method returns its function after its imports, which are not measured; a small search runs
first, so that one-time work is not measured either.
"""

import json
import sys

import numpy as np

from benchmarks.methods.meter import measure_cost

THREADS = 2
N_WARM_UP = 256
BLOCK_ROWS = 1024


def nearkin():
    import torch

    from nearkin.search import exact_knn

    torch.set_num_threads(THREADS)

    def search(vectors, k):
        blocks = exact_knn.self_knn(vectors, np.arange(len(vectors)), depth=k)
        return np.concatenate([indices for _, indices, _ in blocks])

    return search


def faiss():
    import faiss

    def search(vectors, k):
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        return remove_self(index.search(vectors, k + 1)[1], k)

    return search


def pytorch_metric_learning():
    import torch
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.utils.inference import CustomKNN

    def search(vectors, k):
        tensor = torch.from_numpy(vectors)
        knn = CustomKNN(CosineSimilarity(), batch_size=BLOCK_ROWS)
        return knn(tensor, k, tensor, ref_includes_query=True)[1].numpy()

    return search


def scikit_learn():
    from sklearn.neighbors import NearestNeighbors

    def search(vectors, k):
        model = NearestNeighbors(n_neighbors=k, algorithm="brute", metric="cosine").fit(vectors)
        return model.kneighbors(return_distance=False)

    return search


def reference_study():
    """The reference study's method: all similarities at once."""
    import torch

    def search(vectors, k):
        tensor = torch.from_numpy(vectors)
        similarities = tensor @ tensor.T
        similarities.fill_diagonal_(-torch.inf)
        return similarities.topk(k).indices.numpy()

    return search


METHODS = {
    method.__name__: method
    for method in (nearkin, faiss, pytorch_metric_learning, scikit_learn, reference_study)
}


def remove_self(indices, k):
    """The k neighbours of each row without the row itself, from k + 1; without the last if that is missing.

    >>> remove_self(np.array([[0, 1], [2, 0], [2, 1]]), 1).tolist()
    [[1], [2], [1]]
    """
    is_other = indices != np.arange(len(indices))[:, None]
    is_other[is_other.all(axis=1), -1] = False
    return indices[is_other].reshape(len(indices), k)


def main(method, vectors_path, k, neighbours_path):
    search, vectors, k = METHODS[method](), np.load(vectors_path), int(k)
    search(vectors[:N_WARM_UP], k)
    neighbours, cost = measure_cost(search, vectors, k)
    np.save(neighbours_path, neighbours)
    print(json.dumps(cost))


if __name__ == "__main__":
    main(*sys.argv[1:])
