"""The invariants of a finished study, asserted on its tables."""

from pathlib import Path

from nearkin.embeddings import shard_files
from nearkin.embeddings.shard_index import read_index
from nearkin.evaluation import invariants
from nearkin.runtime.logs import setup_logging
from nearkin.runtime.named_paths import NamedPaths
from nearkin.storage import lineage, tables
from nearkin.storage.atomic import write_text
from nearkin.storage.lineage import trace_inputs
from nearkin.storage.query_batches import iter_query_batches
from nearkin.tables.scores import Metrics, QueryScores
from nearkin.tables.splits import Splits


def check_results(inputs: NamedPaths, passed_path: str, *, exclude_same_group: bool) -> None:
    splits = tables.read(inputs.splits, Splits)
    for path in (path for shards in inputs.shards for path in read_index(shards)[0]):
        for part in shard_files.iter_row_groups(path):
            invariants.check_unit_norm(part, path)
    for neighbours, query_scores_path, metrics_path in zip(
        inputs.neighbours, inputs.query_scores, inputs.metrics, strict=True
    ):
        for part in iter_query_batches(neighbours):
            invariants.check_neighbour_order(part, splits, exclude_same_group=exclude_same_group)
        scores, metrics = tables.read(query_scores_path, QueryScores), tables.read(metrics_path, Metrics)
        invariants.check_hits_nested(scores)
        invariants.check_recall_monotone(metrics)
        invariants.check_recall_recomputed(metrics, scores)
    missing = [
        path
        for path in [*inputs.figures, *inputs.figure_tables, *inputs.texts]
        if not Path(path).stat().st_size
    ]
    if missing:
        raise invariants.CheckError(f"empty files: {missing}")
    write_text(passed_path, invariants.format_checks(lineage.make_record().get("versions", {})))


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        check_results(
            snakemake.input,
            snakemake.output.passed,
            exclude_same_group=snakemake.params.search["exclude_same_group"],
        )
