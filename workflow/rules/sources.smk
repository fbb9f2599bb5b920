"""Needs a dataset's source; produces the list of its images and names, as delivered."""


rule generate_synthetic:
    """A synthetic dataset with the layout and the faults of a real delivery."""
    output:
        folder=directory("results/{dataset}/delivery"),
    log:
        "logs/generate_synthetic/{dataset}.log",
    benchmark:
        "logs/resource_usage/generate_synthetic/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 8
    resources:
        mem_mb=scaled_by_input(4000),
    params:
        code=digest_of("generate_synthetic.py"),
        synthetic=lookup(within=config, dpath="datasets/{dataset}/source/synthetic"),
    script:
        "../../scripts/generate_synthetic.py"


rule download_dataset:
    """A dataset from the Hugging Face hub into its folder, at the commit that the config names."""
    output:
        record="results/{dataset}/download.json",
    log:
        "logs/download_dataset/{dataset}.log",
    benchmark:
        "logs/resource_usage/download_dataset/{dataset}.tsv"
    wildcard_constraints:
        dataset=any_of_regex(DOWNLOADS.values()),
    localrule: True  # the nodes of a cluster seldom have a network
    conda:
        "../../envs/torch.yaml"
    params:
        code=digest_of("download_dataset.py"),
        folder=source_folder,
        trusted=lookup(within=config, dpath="datasets/{dataset}/source/follow_links"),
        download=lookup(within=config, dpath="datasets/{dataset}/source/download"),
    script:
        "../../scripts/download_dataset.py"


rule list_images:
    """One row per delivered image file or listed name, exactly as delivered."""
    input:
        synthetic=delivery,
        download=downloaded,
        table=delivered_tables,
    output:
        images="results/{dataset}/images.parquet",
    log:
        "logs/list_images/{dataset}.log",
    benchmark:
        "logs/resource_usage/list_images/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=scaled_by_input(4000),
        runtime=scaled_by_input(120),
    params:
        code=digest_of("list_images.py"),
        outside=outside(delivered_tables),
        layout=lookup(within=config, dpath="datasets/{dataset}/source/layout"),
        source_id=lookup(within=config, dpath="datasets/{dataset}/source/id"),
        captions_table=lookup(within=config, dpath="datasets/{dataset}/source/captions_table"),
        table=table_settings,
        unlisted=lookup(within=config, dpath="datasets/{dataset}/source/unlisted"),
        folder=source_folder,
        track_changes=lookup(within=config, dpath="datasets/{dataset}/source/track_changes"),
        trusted=lookup(within=config, dpath="datasets/{dataset}/source/follow_links"),
        planned_digest=folder_digest_param,
    script:
        "../../scripts/list_images.py"
