"""Needs a delivered folder, or draws one; produces the list of images, what is in them, and their pixels."""


rule draw_museum:
    """A drawn museum with the layout and the faults of a real delivery."""
    input:
        code=sources_of("draw_museum.py"),
    output:
        folder=directory("results/{dataset}/delivery"),
    log:
        "logs/draw_museum/{dataset}.log",
    benchmark:
        "logs/costs/draw_museum/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
    params:
        museum=lookup(within=config, dpath="datasets/{dataset}/source/museum"),
    script:
        "../../scripts/draw_museum.py"


rule download_dataset:
    """A dataset from the Hugging Face hub into its folder, at the commit that the config names."""
    input:
        code=sources_of("download_dataset.py"),
    output:
        record="results/{dataset}/download.json",
    log:
        "logs/download_dataset/{dataset}.log",
    benchmark:
        "logs/costs/download_dataset/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(DOWNLOADS.values()),
    localrule: True  # the nodes of a cluster seldom have a network
    conda:
        "../../envs/torch.yaml"
    params:
        folder=source_folder,
        download=lookup(within=config, dpath="datasets/{dataset}/source/download"),
    script:
        "../../scripts/download_dataset.py"


rule list_images:
    """One row per delivered image file or listed name, exactly as delivered."""
    input:
        code=sources_of("list_images.py"),
        museum=delivery,
        download=downloaded,
        table=delivered_tables,
    output:
        images="results/{dataset}/images.parquet",
    log:
        "logs/list_images/{dataset}.log",
    benchmark:
        "logs/costs/list_images/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        layout=lookup(within=config, dpath="datasets/{dataset}/source/layout"),
        source_id=lookup(within=config, dpath="datasets/{dataset}/source/id"),
        captions_table=lookup(within=config, dpath="datasets/{dataset}/source/captions_table"),
        table=listed_by,
        unlisted=lookup(within=config, dpath="datasets/{dataset}/source/unlisted"),
        folder=source_folder,
        listing=listing,
    script:
        "../../scripts/list_images.py"


rule inspect_images:
    """Whether each image of a shard can be read, and what is in it."""
    input:
        code=sources_of("inspect_images.py"),
        images="results/{dataset}/images.parquet",
    output:
        inspection=update("results/{dataset}/inspection/{shard}.parquet"),
    log:
        "logs/inspect_images/{dataset}/{shard}.log",
    benchmark:
        "logs/costs/inspect_images/{dataset}/{shard}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000, {"images": 8}),
        runtime=growing(60, {"images": 20 / config["shards"]}),
    params:
        folder=source_folder,
        n_shards=config["shards"],
        max_megapixels=lookup(within=config["datasets"], dpath="{dataset}/inspection/max_megapixels"),
    script:
        "../../scripts/inspect_images.py"


rule cache_pixels:
    """The images of a shard, decoded, resized and cropped once for all models that see them so."""
    input:
        code=sources_of("cache_pixels.py"),
        inspection="results/{dataset}/inspection/{shard}.parquet",
    output:
        pixels=update("results/{dataset}/pixels/{preprocess}/{shard}.arrow"),
    log:
        "logs/cache_pixels/{dataset}/{preprocess}/{shard}.log",
    benchmark:
        "logs/costs/cache_pixels/{dataset}/{preprocess}/{shard}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000, {"inspection": 8}),
        runtime=growing(60, {"inspection": 20}),
    params:
        seen=seen,
    script:
        "../../scripts/cache_pixels.py"
