"""Needs the list of images; produces what is in them, and their pixels."""


rule inspect_images:
    """Whether each image of a shard can be read, and what is in it."""
    input:
        images="results/{dataset}/images.parquet",
    output:
        inspection="results/{dataset}/inspection/{shard}.parquet",
    log:
        "logs/inspect_images/{dataset}/{shard}.log",
    benchmark:
        "logs/resource_usage/inspect_images/{dataset}/{shard}.tsv"
    priority: 1  # before pixels and embeddings: what cannot be split is named early
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=scaled_by_input(2000, {"images": 8}),
        runtime=scaled_by_input(60, {"images": 20 / config["shards"]}),
    params:
        code=digest_of("inspect_images.py"),
        folder=source_folder,
        trusted=lookup(within=config, dpath="datasets/{dataset}/source/follow_links"),
        n_shards=config["shards"],
        max_megapixels=lookup(within=config["datasets"], dpath="{dataset}/inspection/max_megapixels"),
    script:
        "../../scripts/inspect_images.py"


rule cache_pixels:
    """The images of a shard, decoded, resized and cropped once for all models that see them so."""
    input:
        inspection="results/{dataset}/inspection/{shard}.parquet",
    output:
        pixels="results/{dataset}/pixels/{preprocess}/{shard}.arrow",
    log:
        "logs/cache_pixels/{dataset}/{preprocess}/{shard}.log",
    benchmark:
        "logs/resource_usage/cache_pixels/{dataset}/{preprocess}/{shard}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 8
    resources:
        mem_mb=scaled_by_input(4000, {"inspection": 8}),
        runtime=scaled_by_input(60, {"inspection": 20}),
    params:
        code=digest_of("cache_pixels.py"),
        preprocessing=preprocessing_of,
    script:
        "../../scripts/cache_pixels.py"
