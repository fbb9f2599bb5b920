"""Needs a model's config, and for a fine-tuned one its base, labels and pixels; produces encoders."""


rule prepare_encoder:
    """Weights and description of a model that is taken as it is."""
    input:
        checkpoint=checkpoint_of,
    output:
        weights="results/{dataset}/{model}/encoder/weights.safetensors",
        description="results/{dataset}/{model}/encoder/encoder.json",
    log:
        "logs/prepare_encoder/{dataset}/{model}.log",
    benchmark:
        "logs/costs/prepare_encoder/{dataset}/{model}.tsv"
    wildcard_constraints:
        model=one_of(PREPARED),
    priority: 1  # before all else, for seconds here show what would stop the run after hours
    localrule: True  # may fetch weights, and the nodes of a cluster seldom have a network
    conda:
        "../../envs/torch.yaml"
    params:
        code=digest_of("prepare_encoder.py"),
        outside=outside(checkpoint_of),
        model=encoder_of,
        geometry=geometry_of,
    script:
        "../../scripts/prepare_encoder.py"


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
        state="results/{dataset}/{model}/training.state",
    log:
        "logs/finetune_encoder/{dataset}/{model}.log",
    benchmark:
        "logs/costs/finetune_encoder/{dataset}/{model}.tsv"
    wildcard_constraints:
        model=one_of(TUNED),
    conda:
        "../../envs/torch.yaml"
    threads: config["arithmetic_threads"]
    resources:
        **GPU,
        mem_mb=growing(8000, {"weights": 6}),
        runtime=growing(240, {"inspection": 60}),
    params:
        code=digest_of("finetune_encoder.py"),
        seen=seen,
        recipe=recipe_of,
        arithmetic_threads=config["arithmetic_threads"],
    script:
        "../../scripts/finetune_encoder.py"
