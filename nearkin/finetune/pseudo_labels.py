"""Clusters of images by their embeddings: what Unicom trains on where there are no labels."""

import logging

import faiss
import numpy as np
import polars as pl

logger = logging.getLogger(__name__)

N_ITER = 25
"""Passes of k-means, faiss's default."""


def spherical_kmeans(
    vectors: np.ndarray, *, n: int, seed: int, threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """The cluster of each image, and its cosine with the centre, by spherical k-means.

    `vectors` are unit vectors (n_images, width). Clusters are numbered from 0 in the order of their
    first images; none is empty, so there may be fewer than `n`. The same vectors, seed and threads
    give the same clusters. Raises ValueError for more clusters than images. Dhillon and Modha,
    Machine Learning 42, 2001; initial centres by k-means++ (Arthur and Vassilvitskii, SODA 2007).
    """
    if n > len(vectors):
        raise ValueError(f"{n} clusters of {len(vectors)} training images; ask for fewer")
    faiss.omp_set_num_threads(threads)
    means = faiss.Kmeans(
        vectors.shape[1],
        n,
        niter=N_ITER,
        spherical=True,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=len(vectors),
        init_method=faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS,
    )
    means.train(vectors)
    similarities, clusters = means.index.search(vectors, 1)
    _, first, numbers = np.unique(clusters[:, 0], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[numbers], similarities[:, 0].clip(-1, 1).astype(np.float64)


def mean_with_captions(images: np.ndarray, captions: np.ndarray) -> np.ndarray:
    """The unit mean of each image's unit vector and of its caption's: float32, (n_images, width)."""
    total = images.astype(np.float64) + captions
    return (total / np.linalg.norm(total, axis=1, keepdims=True).clip(1e-30)).astype(np.float32)


def measure_purity(clusters: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """A `ClusterPurity` table: the most common species of each cluster, and its share.

    The share is of the images that have a species. Of equally common species the first by name
    counts. The purity of all clusters, the mean over images, is logged (Manning, Raghavan and
    Schütze, Introduction to Information Retrieval, 16.3).
    """
    rows = clusters.join(labels.select("uuid", "species"), on="uuid", how="left", maintain_order="left")
    counts = rows.drop_nulls("species").group_by("cluster", "species").agg(n=pl.len().cast(pl.Int64))
    counts = counts.sort(["cluster", "n", "species"], descending=[False, True, False])
    common = counts.group_by("cluster").agg(
        pl.col("species").first(),
        n_most=pl.col("n").first(),
        n_named=pl.col("n").sum(),
        n_species=pl.len().cast(pl.Int64),
    )
    n_most, n_named = int(common["n_most"].sum()), int(common["n_named"].sum())
    logger.info("purity against species: %.3f (%d of %d images)", n_most / max(1, n_named), n_most, n_named)
    sizes = rows.group_by("cluster").agg(
        n_images=pl.len().cast(pl.Int64), mean_similarity=pl.col("similarity").mean()
    )
    return sizes.join(common, on="cluster", how="left").with_columns(
        pl.col("n_species").fill_null(0), purity=pl.col("n_most") / pl.col("n_named")
    )
