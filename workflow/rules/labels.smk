"""Needs the listed and inspected images; produces clean names."""


rule clean_labels:
    """Cleaned names, and the quarantine: images left out, each with its reason."""
    input:
        images="results/{dataset}/images.parquet",
        inspection=expand("results/{{dataset}}/inspection/{shard}.parquet", shard=SHARDS),
        taxonomy=taxonomy_of,
    output:
        labels="results/{dataset}/labels.parquet",
        quarantine="results/{dataset}/quarantine.parquet",
        label_changes="results/{dataset}/label_changes.parquet",
    log:
        "logs/clean_labels/{dataset}.log",
    benchmark:
        "logs/resource_usage/clean_labels/{dataset}.tsv"
    priority: 1  # before pixels and embeddings: what cannot be split is named early
    group:
        job_group("repairs")
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=scaled_by_input(2000, {"images": 10, "inspection": 10}),
    params:
        code=digest_of("clean_labels.py"),
        outside=outside(taxonomy_of),
        policies=lookup(within=config, dpath="datasets/{dataset}/labels/policies"),
        spelling=lookup(within=config, dpath="datasets/{dataset}/labels/spelling"),
    script:
        "../../scripts/clean_labels.py"
