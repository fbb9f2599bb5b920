"""Needs encoders and pixels; produces unit vectors, one shard at a time, and the list of all."""


rule embed_images:
    """The unit vectors of a shard's images under one encoder."""
    input:
        weights="results/{dataset}/{model}/encoder/weights.safetensors",
        description="results/{dataset}/{model}/encoder/encoder.json",
        inspection="results/{dataset}/inspection/{shard}.parquet",
        pixels=pixels_of,
    output:
        embeddings="results/{dataset}/{model}/embeddings/{shard}.parquet",
    log:
        "logs/embed_images/{dataset}/{model}/{shard}.log",
    benchmark:
        "logs/resource_usage/embed_images/{dataset}/{model}/{shard}.tsv"
    wildcard_constraints:
        model=any_of_regex(PRETRAINED_MODELS + FINETUNED_MODELS),
    conda:
        "../../envs/torch.yaml"
    threads: config["encoder_threads"]
    resources:
        **GPU,
        mem_mb=scaled_by_input(3000, {"weights": 4}),
        runtime=scaled_by_input(60, {"inspection": 60}),
    params:
        code=digest_of("embed_images.py"),
        preprocessing=preprocessing_of,
        precision=lookup(within=MODELS, dpath="{model}/precision"),
        batch_size=lookup(within=MODELS, dpath="{model}/batch_size"),
        encoder_threads=config["encoder_threads"],
    script:
        "../../scripts/embed_images.py"


rule import_embeddings:
    """The unit vectors of a shard's images, from a table made elsewhere."""
    input:
        table=vectors_of,
        inspection="results/{dataset}/inspection/{shard}.parquet",
    output:
        embeddings="results/{dataset}/{model}/embeddings/{shard}.parquet",
    log:
        "logs/import_embeddings/{dataset}/{model}/{shard}.log",
    benchmark:
        "logs/resource_usage/import_embeddings/{dataset}/{model}/{shard}.tsv"
    wildcard_constraints:
        model=any_of_regex(EXTERNAL_MODELS),
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=scaled_by_input(2000, {"table": 4}),
    params:
        code=digest_of("import_embeddings.py"),
        outside=outside(vectors_of),
    script:
        "../../scripts/import_embeddings.py"


rule index_embeddings:
    """The list of a model's shards, so that a search in many jobs has one input and not thousands."""
    input:
        embeddings=expand("results/{{dataset}}/{{model}}/embeddings/{shard}.parquet", shard=SHARDS),
    output:
        shards="results/{dataset}/{model}/embeddings/shards.json",
    log:
        "logs/index_embeddings/{dataset}/{model}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("index_embeddings.py"),
    script:
        "../../scripts/index_embeddings.py"
