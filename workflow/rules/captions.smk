"""Needs images and labels; produces whole captions, and the log of all that was changed."""


rule complete_captions:
    """The caption dataset, whole, and every repair of labels and captions."""
    input:
        images="results/{dataset}/images.parquet",
        labels="results/{dataset}/labels.parquet",
        label_changes="results/{dataset}/label_changes.parquet",
        tables=caption_tables,
    output:
        captions="results/{dataset}/captions.parquet",
        curation_log="results/{dataset}/curation_log.parquet",
    log:
        "logs/complete_captions/{dataset}.log",
    benchmark:
        "logs/resource_usage/complete_captions/{dataset}.tsv"
    group:
        job_group("repairs")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("complete_captions.py"),
        outside=outside(caption_tables),
        priority=lookup(within=config, dpath="datasets/{dataset}/captions/priority"),
        tables=lookup(within=config, dpath="datasets/{dataset}/captions/tables"),
        templates=lookup(within=config, dpath="datasets/{dataset}/captions/templates"),
    script:
        "../../scripts/complete_captions.py"
