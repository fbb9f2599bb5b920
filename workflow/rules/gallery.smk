"""Needs neighbours, comparisons and image files; produces what people look at: examples, thumbnails, contact sheets."""

SHEETS = ["best", "worst", "most_improved", "most_worsened", "confusions"]


rule select_examples:
    """Example queries of each species with their neighbours."""
    input:
        neighbours="results/{dataset}/{model}/neighbours.parquet",
        labels="results/{dataset}/labels.parquet",
    output:
        examples="results/{dataset}/{model}/examples.parquet",
    log:
        "logs/select_examples/{dataset}/{model}.log",
    benchmark:
        "logs/resource_usage/select_examples/{dataset}/{model}.tsv"
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("select_examples.py"),
    script:
        "../../scripts/select_examples.py"


rule select_contact_sheets:
    """What is on the contact sheets of a comparison."""
    input:
        differences="results/{dataset}/comparisons/{base}/{trained}/differences.parquet",
        confusions="results/{dataset}/{trained}/confusions.parquet",
        base="results/{dataset}/{base}/neighbours.parquet",
        trained="results/{dataset}/{trained}/neighbours.parquet",
        labels="results/{dataset}/labels.parquet",
    output:
        contact_sheets="results/{dataset}/comparisons/{base}/{trained}/contact_sheets.parquet",
    log:
        "logs/select_contact_sheets/{dataset}/{base}/{trained}.log",
    group:
        job_group("comparison")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("select_contact_sheets.py"),
    script:
        "../../scripts/select_contact_sheets.py"


rule draw_thumbnails:
    """Small pictures of the images of a shard that are shown on the report or a contact sheet."""
    input:
        inspection="results/{dataset}/inspection/{shard}.parquet",
        examples=expand("results/{{dataset}}/{model}/examples.parquet", model=REPORTED_MODELS),
        contact_sheets=[
            f"results/{{dataset}}/comparisons/{base}/{trained}/contact_sheets.parquet"
            for base, trained in config["compare"]
        ],
    output:
        thumbnails="results/{dataset}/thumbnails/{shard}.parquet",
    log:
        "logs/draw_thumbnails/{dataset}/{shard}.log",
    benchmark:
        "logs/resource_usage/draw_thumbnails/{dataset}/{shard}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 8
    resources:
        mem_mb=scaled_by_input(4000),
    params:
        code=digest_of("draw_thumbnails.py"),
        folder=source_folder,
        trusted=lookup(within=config, dpath="datasets/{dataset}/source/follow_links"),
        max_megapixels=lookup(within=config["datasets"], dpath="{dataset}/inspection/max_megapixels"),
    script:
        "../../scripts/draw_thumbnails.py"


rule draw_contact_sheets:
    """Telling species and confusions of a comparison: queries with their neighbours under both models."""
    input:
        contact_sheets="results/{dataset}/comparisons/{base}/{trained}/contact_sheets.parquet",
        thumbnails=expand("results/{{dataset}}/thumbnails/{shard}.parquet", shard=SHARDS),
    output:
        **{
            sheet: report(
                f"results/{{dataset}}/figures/{{base}}/{{trained}}/contact_sheets/{sheet}.png",
                caption="../report/contact_sheet.rst",
                category="{dataset}",
                labels={
                    "figure": f"contact sheet, {sheet.replace('_', ' ')}",
                    "model": "{base} to {trained}",
                },
            )
            for sheet in SHEETS
        },
    log:
        "logs/draw_contact_sheets/{dataset}/{base}/{trained}.log",
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("draw_contact_sheets.py"),
    script:
        "../../scripts/draw_contact_sheets.py"
