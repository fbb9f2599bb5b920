"""Are an image's nearest neighbours its own kind, and does a new encoder find them better?"""

from snakemake.utils import min_version

min_version("9.27")

if "datasets" not in config:

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/sources.smk"
include: "workflow/rules/images.smk"
include: "workflow/rules/labels.smk"
include: "workflow/rules/captions.smk"
include: "workflow/rules/groups.smk"
include: "workflow/rules/splits.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/encoders.smk"
include: "workflow/rules/finetune.smk"
include: "workflow/rules/embeddings.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/gallery.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/resource_usage.smk"


rule all:
    """The whole study: tables, figures, report and checks of every dataset."""
    default_target: True
    input:
        expand("results/{dataset}/{page}.html", dataset=config["datasets"], page=["audit", "report"]),
        expand("results/{dataset}/checks.passed", dataset=config["datasets"]),
        expand([*rules.write_csv_twins.output, rules.plot_costs.output.svg], dataset=config["datasets"]),
        # What is lost of these is made again, also where nothing else has to run.
        expand([*rules.check_curation.input, *rules.check_results.input], dataset=config["datasets"]),
        expand(rules.list_embeddings.input, dataset=config["datasets"], model=MODELS),


rule curate:
    """Repaired labels, whole captions, a split and the audit, without any encoder."""
    input:
        expand("results/{dataset}/captions.parquet", dataset=config["datasets"]),
        expand("results/{dataset}/statistics.parquet", dataset=config["datasets"]),
        expand("results/{dataset}/audit.html", dataset=config["datasets"]),


rule figures:
    """All figures; where only their looks changed, nothing else is made anew."""
    input:
        expand(FIGURES, dataset=config["datasets"]),
