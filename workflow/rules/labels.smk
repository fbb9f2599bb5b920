"""Needs the listed and inspected images; produces repaired names and whole captions."""


rule fix_labels:
    """Names repaired, or images set aside with a reason."""
    input:
        images="results/{dataset}/images.parquet",
        inspection=expand("results/{{dataset}}/inspection/{shard}.parquet", shard=SHARDS),
        taxonomy=taxonomy_of,
    output:
        labels="results/{dataset}/labels.parquet",
        quarantine="results/{dataset}/quarantine.parquet",
        repairs="results/{dataset}/repairs.parquet",
    log:
        "logs/fix_labels/{dataset}.log",
    benchmark:
        "logs/costs/fix_labels/{dataset}.tsv"
    priority: 1  # before pixels and embeddings: what cannot be split is named early
    group:
        together("repairs")
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000, {"images": 10, "inspection": 10}),
    params:
        code=digest_of("fix_labels.py"),
        outside=outside(taxonomy_of),
        policies=lookup(within=config, dpath="datasets/{dataset}/labels/policies"),
        misspelt=lookup(within=config, dpath="datasets/{dataset}/labels/misspelt"),
    script:
        "../../scripts/fix_labels.py"


rule fix_captions:
    """The caption dataset, whole, and every repair of labels and captions."""
    input:
        images="results/{dataset}/images.parquet",
        labels="results/{dataset}/labels.parquet",
        repairs="results/{dataset}/repairs.parquet",
        tables=caption_tables,
    output:
        captions="results/{dataset}/captions.parquet",
        gaps="results/{dataset}/gaps.parquet",
    log:
        "logs/fix_captions/{dataset}.log",
    benchmark:
        "logs/costs/fix_captions/{dataset}.tsv"
    group:
        together("repairs")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("fix_captions.py"),
        outside=outside(caption_tables),
        ladder=lookup(within=config, dpath="datasets/{dataset}/captions/ladder"),
        tables=lookup(within=config, dpath="datasets/{dataset}/captions/tables"),
        templates=lookup(within=config, dpath="datasets/{dataset}/captions/templates"),
    script:
        "../../scripts/fix_captions.py"
