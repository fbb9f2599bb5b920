"""Writes results/README.md, the data dictionary, from the declarations in nearkin/tables.

Run by `make docs-tables`; a test fails when the file differs from what this prints.
"""

from pathlib import Path

from nearkin.tables import (
    claims,
    clusters,
    confusions,
    dataset_statistics,
    embeddings,
    gallery,
    groups,
    images,
    labels,
    leakage,
    neighbours,
    recall_curve,
    resource_usage,
    scores,
    seeds,
    splits,
    training,
    trend,
)

ROOT = Path(__file__).parents[1]
EMBEDDING_WIDTH, CAPTION_WIDTH = 1280, 512  # of the shipped encoder and of CLIP ViT-B/32, only to show types

TABLES = [
    ("images.parquet", "list_images", images.Images),
    ("inspection/{shard}.parquet", "inspect_images", images.Inspection),
    ("labels.parquet", "clean_labels", labels.Labels),
    ("quarantine.parquet", "clean_labels", labels.Quarantine),
    ("label_changes.parquet", "clean_labels", labels.CurationLog),
    ("captions.parquet", "complete_captions", labels.Captions),
    ("curation_log.parquet", "complete_captions", labels.CurationLog),
    ("groups.parquet", "group_images", groups.Groups),
    ("groups_to_review.parquet", "group_images", groups.GroupsToReview),
    ("splits.parquet", "split_images", splits.Splits),
    ("statistics.parquet", "describe_dataset", dataset_statistics.Statistics),
    ("leakage_audit.parquet", "audit_leakage", leakage.LeakageAudit),
    ("clusters/{clustering}.parquet", "cluster_images", clusters.Clusters),
    ("clusters/{clustering}_purity.parquet", "cluster_images", clusters.ClusterPurity),
    ("{model}/training.parquet", "finetune_encoder", training.Training),
    (
        "{model}/embeddings/{shard}.parquet",
        "embed_images",
        embeddings.make_embeddings_schema(EMBEDDING_WIDTH),
    ),
    (
        "{model}/caption_embeddings.parquet",
        "embed_captions",
        embeddings.make_caption_embeddings_schema(CAPTION_WIDTH),
    ),
    ("{model}/neighbours.parquet", "search_neighbours", neighbours.Neighbours),
    ("{model}/query_scores.parquet", "score_queries", scores.QueryScores),
    ("{model}/metrics.parquet", "score_queries", scores.Metrics),
    ("{model}/recall_curve.parquet", "compute_recall_curve", recall_curve.RecallCurve),
    ("{model}/confusions.parquet", "count_confusions", confusions.Confusions),
    ("{model}/examples.parquet", "select_examples", gallery.ExampleNeighbours),
    ("{model}/training_size.parquet", "tabulate_training_size", dataset_statistics.TrainingSize),
    ("comparisons/{base}/{trained}/differences.parquet", "compare_models", scores.Differences),
    ("comparisons/{base}/{trained}/flips.parquet", "compare_models", scores.Flips),
    ("comparisons/{base}/{trained}/claims.parquet", "evaluate_claims", claims.Claims),
    ("comparisons/{base}/{trained}/trend.parquet", "fit_trend", trend.Trend),
    (
        "comparisons/{base}/{trained}/contact_sheets.parquet",
        "select_contact_sheets",
        gallery.ContactSheetEntries,
    ),
    ("pairwise.parquet", "compare_all_pairs", scores.Pairwise),
    ("seeds.parquet", "compare_seeds", seeds.SeedSummaries),
    ("thumbnails/{shard}.parquet", "draw_thumbnails", gallery.Thumbnails),
    ("resource_usage.parquet", "collect_resource_usage", resource_usage.ResourceUsage),
]

HEAD = """\
# What is in `results/`

Everything of a dataset lies under `results/{dataset}/`. All tables are Parquet, sorted by their
key (**bold**), and carry in their metadata the dataset and, where there is one, the model and the
fingerprint of its encoder. `?` marks a column that may be null. In a column `category`, `all` stands for
all images together and an empty text for those that have none.

| file | rule | what |
|---|---|---|
| `report.html` | write_report | the page to read first; opens offline |
| `report_thumbnails/` | write_report | the pictures of its species, where they are too many for one page; else empty |
| `audit.html` | write_audit | the page for a curator: what was wrong, what was done, what to look at; opens offline |
| `headline.txt`, `headline.json` | write_headline | overall recall of every model, printed and for machines |
| `comparisons/{base}/{trained}/comparison.txt` | write_reference_comparison | the printed form of the reference study |
| `**/*.csv` | export_csv | the same as the small table of that name, for programs that do not read Parquet |
| `{model}/training_size.txt` | write_training_size_text | recall by number of training images, as text |
| `figures/**.svg`, `.png` | plot_* | figures; each draws one of the tables below |
| `figures/{base}/{trained}/contact_sheets/*.png` | draw_contact_sheets | queries with their nearest neighbours under both models: best, worst, most improved and most worsened species, and confusions |
| `{model}/embeddings/shards.json` | index_embeddings | which shards hold the embeddings of a model: bytes and digest of each |
| `curation.passed` | check_curation | there when all invariants of the curation hold; gone while a run changes something behind it |
| `checks.passed` | check_results | there when all invariants hold, with the versions of the libraries that made the study; gone while a run changes something behind it |
| `**/.reuse/` | rules that work image by image | what these made last, so that unchanged rows are reused; may be removed at any time |
| `provenance.jsonl` | every run, at its end | how each file was made, for `make verify`: its checksum, rule, parameters and inputs |
| `pixels/{preprocess}/{shard}.arrow` | cache_pixels | decoded images, `uuid`, `sha256`, `pixels` (uint8, height x width x 3) |
| `{model}/encoder/` | prepare_encoder, finetune_encoder | weights (safetensors) and their description (JSON) |
| `{model}/text_encoder.safetensors` | prepare_text_encoder | the text tower of a model that reads captions, for clusters |
| `{model}/checkpoint.safetensors` | finetune_encoder | the trained weights after the last epoch (safetensors); while a training is not finished, `.reuse/checkpoint.safetensors` says where it goes on |
| `delivery/` | generate_synthetic | the synthetic dataset, with `truth.csv`: what is wrong with it |
"""


def dictionary():
    """The text of results/README.md."""
    parts = [HEAD]
    for path, rule, schema in TABLES:
        first = (schema.__doc__ or "").strip().split("\n\n")
        parts.append(f"\n## `{path}`\n\n{' '.join(' '.join(first).split())} Made by `{rule}`.\n")
        parts.append("\n| column | type | meaning |\n|---|---|---|\n")
        for name, column in schema.columns().items():
            shown = f"**{name}**" if name in schema.primary_key() else name
            kind = str(column.dtype) + ("?" if column.nullable else "")
            parts.append(f"| {shown} | {kind} | {column.description} |\n")
    return "".join(parts)


if __name__ == "__main__":
    (ROOT / "results" / "README.md").write_text(dictionary(), encoding="utf-8")
