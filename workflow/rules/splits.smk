"""Needs labels and groups; produces the split, and statistics of the dataset."""


rule split_images:
    """Train, val, test and unseen species; no group spans two of them."""
    input:
        labels="results/{dataset}/labels.parquet",
        groups="results/{dataset}/groups.parquet",
        images=branch(
            lookup(within=config, dpath="datasets/{dataset}/split/use_source_split"),
            then="results/{dataset}/images.parquet",
        ),
        previous=previous_splits,
    output:
        splits="results/{dataset}/splits.parquet",
    log:
        "logs/split_images/{dataset}.log",
    benchmark:
        "logs/resource_usage/split_images/{dataset}.tsv"
    priority: 1  # before pixels and embeddings: what cannot be split is named early
    group:
        job_group("repairs")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("split_images.py"),
        outside=outside(previous_splits),
        split_settings=split_settings,
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
        job_group("repairs")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("describe_dataset.py"),
    script:
        "../../scripts/describe_dataset.py"
