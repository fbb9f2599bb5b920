"""Needs embeddings and the split; produces clusters of training images, to be trained on instead of species."""


rule cluster_images:
    """Training images in clusters by their looks, and how these agree with species."""
    input:
        code=sources_of("cluster_images.py"),
        shards=shards_for_clusters,
        labels="results/{dataset}/labels.parquet",
        splits="results/{dataset}/splits.parquet",
    output:
        clusters="results/{dataset}/clusters/{clustering}.parquet",
        purity="results/{dataset}/clusters/{clustering}_purity.parquet",
    log:
        "logs/cluster_images/{dataset}/{clustering}.log",
    benchmark:
        "logs/costs/cluster_images/{dataset}/{clustering}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: config["arithmetic_threads"]
    resources:
        mem_mb=growing(2000, {"shards": 4}),
    params:
        how=lookup(within=config, dpath="clusters/{clustering}"),
    script:
        "../../scripts/cluster_images.py"
