"""Needs repaired labels; produces groups that belong together, the split, and statistics."""


rule group_images:
    """Same bytes, near duplicates and same specimen, united into groups."""
    input:
        images="results/{dataset}/images.parquet",
        labels="results/{dataset}/labels.parquet",
        inspection=expand("results/{{dataset}}/inspection/{shard}.parquet", shard=SHARDS),
        shards=embeddings_for_groups,
    output:
        groups="results/{dataset}/groups.parquet",
        doubtful="results/{dataset}/doubtful_groups.parquet",
    log:
        "logs/group_images/{dataset}.log",
    benchmark:
        "logs/costs/group_images/{dataset}.tsv"
    priority: 1  # before pixels and embeddings: what cannot be split is named early
    group:
        together("repairs")
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000, {"images": 10, "inspection": 10, "shards": 3}),
        runtime=growing(60, {"shards": 0.1}),
    params:
        code=digest_of("group_images.py"),
        specimen=lookup(within=config, dpath="datasets/{dataset}/groups/specimen"),
        near_duplicates=lookup(within=config, dpath="datasets/{dataset}/groups/near_duplicates"),
        runaway=lookup(within=config, dpath="datasets/{dataset}/groups/runaway"),
    script:
        "../../scripts/group_images.py"


rule split_images:
    """Train, val, test and unseen; a group never straddles."""
    input:
        labels="results/{dataset}/labels.parquet",
        groups="results/{dataset}/groups.parquet",
        images=branch(
            lookup(within=config, dpath="datasets/{dataset}/split/adopt"),
            then="results/{dataset}/images.parquet",
        ),
        previous=previous_splits,
    output:
        splits="results/{dataset}/splits.parquet",
    log:
        "logs/split_images/{dataset}.log",
    benchmark:
        "logs/costs/split_images/{dataset}.tsv"
    priority: 1  # before pixels and embeddings: what cannot be split is named early
    group:
        together("repairs")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("split_images.py"),
        outside=outside(previous_splits),
        dealing=dealing_of,
    script:
        "../../scripts/split_images.py"


rule describe_dataset:
    """How many images, groups, species and genera there are, by category and split."""
    input:
        labels="results/{dataset}/labels.parquet",
        splits="results/{dataset}/splits.parquet",
    output:
        statistics="results/{dataset}/statistics.parquet",
    log:
        "logs/describe_dataset/{dataset}.log",
    group:
        together("repairs")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("describe_dataset.py"),
    script:
        "../../scripts/describe_dataset.py"
