"""Needs labels and inspected images; produces groups of images that belong together."""


rule group_images:
    """Same bytes, near duplicates and same specimen, united into groups."""
    input:
        images="results/{dataset}/images.parquet",
        labels="results/{dataset}/labels.parquet",
        inspection=expand("results/{{dataset}}/inspection/{shard}.parquet", shard=SHARDS),
        shards=embeddings_for_groups,
    output:
        groups="results/{dataset}/groups.parquet",
        groups_to_review="results/{dataset}/groups_to_review.parquet",
    log:
        "logs/group_images/{dataset}.log",
    benchmark:
        "logs/resource_usage/group_images/{dataset}.tsv"
    priority: 1  # before pixels and embeddings: what cannot be split is named early
    group:
        job_group("repairs")
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=scaled_by_input(2000, {"images": 10, "inspection": 10, "shards": 3}),
        runtime=scaled_by_input(60, {"shards": 0.1}),
    params:
        code=digest_of("group_images.py"),
        specimen=lookup(within=config, dpath="datasets/{dataset}/groups/specimen"),
        near_duplicates=lookup(within=config, dpath="datasets/{dataset}/groups/near_duplicates"),
        oversized=lookup(within=config, dpath="datasets/{dataset}/groups/oversized"),
    script:
        "../../scripts/group_images.py"
