"""The training images of a dataset in clusters, and how these agree with species."""

from collections.abc import Mapping
from typing import cast

import polars as pl

from nearkin.driver.config_types import ClustersConfig
from nearkin.embeddings.load import read_vectors
from nearkin.embeddings.shard_index import read_index
from nearkin.finetune.pseudo_labels import mean_with_captions, measure_purity, spherical_kmeans
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.clusters import ClusterPurity, Clusters
from nearkin.tables.embeddings import make_caption_embeddings_schema
from nearkin.tables.labels import Labels
from nearkin.tables.splits import Splits


def cluster_images(
    shards_path: str,
    captions_path: str | None,
    labels_path: str,
    splits_path: str,
    clusters_path: str,
    purity_path: str,
    *,
    how: ClustersConfig,
    threads: int,
    metadata: Mapping[str, str],
) -> None:
    """`how` is an entry of `clusters` in the config; `captions_path` are the captions' vectors, or None."""
    uuids = tables.read(splits_path, Splits).filter(split="train")["uuid"].sort()
    paths, fingerprint = read_index(shards_path)
    n = how["n_clusters"] or max(
        1, round(len(uuids) / cast(float, how["images_per_cluster"]))
    )  # a config has one of both
    vectors = read_vectors(paths, uuids)
    if captions_path:
        captions = tables.read(captions_path, make_caption_embeddings_schema(vectors.shape[1]))
        captions = captions.filter(captions["uuid"].is_in(uuids.implode()))  # of every kept image, sorted
        vectors = mean_with_captions(vectors, captions["emb"].to_numpy())
    numbers, similarities = spherical_kmeans(vectors, n=n, seed=how["seed"], threads=threads)
    clusters = pl.DataFrame({"uuid": uuids, "cluster": numbers, "similarity": similarities})
    metadata = {**metadata, "fingerprint": fingerprint}
    tables.write(clusters, clusters_path, Clusters, **metadata)
    labels = tables.read(labels_path, Labels, ["uuid", "species"])
    tables.write(measure_purity(clusters, labels), purity_path, ClusterPurity, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        cluster_images(
            shards_path=snakemake.input.shards,
            captions_path=snakemake.input.captions or None,
            labels_path=snakemake.input.labels,
            splits_path=snakemake.input.splits,
            clusters_path=snakemake.output.clusters,
            purity_path=snakemake.output.purity,
            how=snakemake.params.how,
            threads=snakemake.params.encoder_threads,
            metadata=dict(snakemake.wildcards.items()),
        )
