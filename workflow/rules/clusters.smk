"""Needs embeddings, captions and the split; produces clusters of training images, to be trained on instead of species."""


rule prepare_text_encoder:
    """The text tower of a model that is taken as it is."""
    input:
        checkpoint=checkpoint_of,
    output:
        encoder="results/{dataset}/{model}/text_encoder.safetensors",
    log:
        "logs/prepare_text_encoder/{dataset}/{model}.log",
    wildcard_constraints:
        model=one_of(READERS),
    priority: 1  # as for prepare_encoder
    localrule: True  # may fetch weights, and the nodes of a cluster seldom have a network
    conda:
        "../../envs/torch.yaml"
    params:
        code=digest_of("prepare_text_encoder.py"),
        outside=outside(checkpoint_of),
        model=encoder_of,
    script:
        "../../scripts/prepare_text_encoder.py"


rule embed_captions:
    """The unit vectors of all captions under the text tower of a model."""
    input:
        encoder="results/{dataset}/{model}/text_encoder.safetensors",
        captions="results/{dataset}/captions.parquet",
    output:
        embeddings="results/{dataset}/{model}/caption_embeddings.parquet",
    log:
        "logs/embed_captions/{dataset}/{model}.log",
    benchmark:
        "logs/costs/embed_captions/{dataset}/{model}.tsv"
    wildcard_constraints:
        model=one_of(READERS),
    conda:
        "../../envs/torch.yaml"
    threads: config["arithmetic_threads"]
    resources:
        **GPU,
        mem_mb=growing(3000, {"encoder": 4, "captions": 250}),
        runtime=growing(60, {"captions": 60}),
    params:
        code=digest_of("embed_captions.py"),
        arithmetic_threads=config["arithmetic_threads"],
    script:
        "../../scripts/embed_captions.py"


rule cluster_images:
    """Training images in clusters by their looks, or these and their captions, and how they agree with species."""
    input:
        shards=shards_for_clusters,
        captions=captions_for_clusters,
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
        code=digest_of("cluster_images.py"),
        arithmetic_threads=config["arithmetic_threads"],
        how=lookup(within=config, dpath="clusters/{clustering}"),
    script:
        "../../scripts/cluster_images.py"
