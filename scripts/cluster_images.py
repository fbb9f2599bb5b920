"""The training images of a dataset in clusters, and how these agree with species."""

import polars as pl

from nearkin.embeddings.load import read_vectors
from nearkin.embeddings.shard_index import read_index
from nearkin.finetune.pseudo_labels import mean_with_captions, measure_purity, spherical_kmeans
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import traced
from nearkin.tables.clusters import ClusterPurity, Clusters
from nearkin.tables.embeddings import make_caption_embeddings_schema
from nearkin.tables.labels import Labels
from nearkin.tables.splits import Splits


def cluster_images(
    shards_path, captions_path, labels_path, splits_path, clusters_path, purity_path, *, how, threads, stamps
):
    """`how` is an entry of `clusters` in the config; `captions_path` are the captions' vectors, or None."""
    uuids = tables.read(splits_path, Splits).filter(split="train")["uuid"].sort()
    paths, fingerprint = read_index(shards_path)
    n = how["n"] or max(1, round(len(uuids) / how["per_cluster"]))
    vectors = read_vectors(paths, uuids)
    if captions_path:
        captions = tables.read(captions_path, make_caption_embeddings_schema(vectors.shape[1]))
        captions = captions.filter(captions["uuid"].is_in(uuids.implode()))  # of every kept image, sorted
        vectors = mean_with_captions(vectors, captions["emb"].to_numpy())
    numbers, similarities = spherical_kmeans(vectors, n=n, seed=how["seed"], threads=threads)
    clusters = pl.DataFrame({"uuid": uuids, "cluster": numbers, "similarity": similarities})
    stamps |= {"fingerprint": fingerprint}
    tables.write(clusters, clusters_path, Clusters, **stamps)
    labels = tables.read(labels_path, Labels, ["uuid", "species"])
    tables.write(measure_purity(clusters, labels), purity_path, ClusterPurity, **stamps)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with traced(snakemake.input):
        cluster_images(
            shards_path=snakemake.input.shards,
            captions_path=snakemake.input.captions or None,
            labels_path=snakemake.input.labels,
            splits_path=snakemake.input.splits,
            clusters_path=snakemake.output.clusters,
            purity_path=snakemake.output.purity,
            how=snakemake.params.how,
            threads=snakemake.params.arithmetic_threads,
            stamps=dict(snakemake.wildcards.items()),
        )
