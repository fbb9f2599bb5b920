"""Needs a model's config; produces its encoder of images, and of texts."""


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
        "logs/resource_usage/prepare_encoder/{dataset}/{model}.tsv"
    wildcard_constraints:
        model=any_of_regex(PRETRAINED_MODELS),
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


rule prepare_text_encoder:
    """The text tower of a model that is taken as it is."""
    input:
        checkpoint=checkpoint_of,
    output:
        encoder="results/{dataset}/{model}/text_encoder.safetensors",
    log:
        "logs/prepare_text_encoder/{dataset}/{model}.log",
    wildcard_constraints:
        model=any_of_regex(TEXT_MODELS),
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
