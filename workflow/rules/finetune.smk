"""Needs a base encoder, labels, captions and pixels; produces fine-tuned encoders, and clusters to train them on."""


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
        "logs/resource_usage/embed_captions/{dataset}/{model}.tsv"
    wildcard_constraints:
        model=any_of_regex(TEXT_MODELS),
    conda:
        "../../envs/torch.yaml"
    threads: config["encoder_threads"]
    resources:
        **GPU,
        mem_mb=scaled_by_input(3000, {"encoder": 4, "captions": 250}),
        runtime=scaled_by_input(60, {"captions": 60}),
    params:
        code=digest_of("embed_captions.py"),
        encoder_threads=config["encoder_threads"],
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
        "logs/resource_usage/cluster_images/{dataset}/{clustering}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: config["encoder_threads"]
    resources:
        mem_mb=scaled_by_input(2000, {"shards": 4}),
    params:
        code=digest_of("cluster_images.py"),
        encoder_threads=config["encoder_threads"],
        how=lookup(within=config, dpath="clusters/{clustering}"),
    script:
        "../../scripts/cluster_images.py"


rule finetune_encoder:
    """An encoder trained by margin softmax, its epoch chosen by retrieval on the validation split."""
    input:
        weights=base_encoder("weights.safetensors"),
        description=base_encoder("encoder.json"),
        labels="results/{dataset}/labels.parquet",
        splits="results/{dataset}/splits.parquet",
        clusters=clusters_of,
        inspection=expand("results/{{dataset}}/inspection/{shard}.parquet", shard=SHARDS),
        pixels=pixels_of,
    output:
        weights="results/{dataset}/{model}/encoder/weights.safetensors",
        description="results/{dataset}/{model}/encoder/encoder.json",
        training="results/{dataset}/{model}/training.parquet",
        state="results/{dataset}/{model}/checkpoint.safetensors",
    log:
        "logs/finetune_encoder/{dataset}/{model}.log",
    benchmark:
        "logs/resource_usage/finetune_encoder/{dataset}/{model}.tsv"
    wildcard_constraints:
        model=any_of_regex(FINETUNED_MODELS),
    conda:
        "../../envs/torch.yaml"
    threads: config["encoder_threads"]
    resources:
        **GPU,
        mem_mb=scaled_by_input(8000, {"weights": 6}),
        runtime=scaled_by_input(240, {"inspection": 60}),
    params:
        code=digest_of("finetune_encoder.py"),
        preprocessing=preprocessing_of,
        recipe=recipe_of,
        encoder_threads=config["encoder_threads"],
    script:
        "../../scripts/finetune_encoder.py"
