"""The invariants of a finished study, asserted on its tables."""

from pathlib import Path

from nearkin.embeddings import shard_files
from nearkin.embeddings.shard_index import read_index
from nearkin.evaluation import invariants
from nearkin.runtime.logs import setup_logging
from nearkin.storage import lineage, tables
from nearkin.storage.atomic import write_text
from nearkin.storage.lineage import traced
from nearkin.storage.query_batches import iter_query_batches
from nearkin.tables.scores import Metrics, QueryScores
from nearkin.tables.splits import Splits


def check_results(inputs, passed_path, *, exclude_same_group):
    splits = tables.read(inputs.splits, Splits)
    for path in (path for shards in inputs.shards for path in read_index(shards)[0]):
        for part in shard_files.iter_row_groups(path):
            invariants.check_unit_norm(part, path)
    for neighbours, hits, recall in zip(inputs.neighbours, inputs.query_scores, inputs.metrics, strict=True):
        for part in iter_query_batches(neighbours):
            invariants.check_neighbour_order(part, splits, exclude_same_group=exclude_same_group)
        hits, recall = tables.read(hits, QueryScores), tables.read(recall, Metrics)
        invariants.check_hits_nested(hits)
        invariants.check_recall_monotone(recall)
        invariants.check_recall_recomputed(recall, hits)
    missing = [
        path
        for path in [*inputs.figures, *inputs.figure_tables, *inputs.texts]
        if not Path(path).stat().st_size
    ]
    if missing:
        raise invariants.CheckError(f"empty files: {missing}")
    write_text(passed_path, invariants.passed(lineage.record()["versions"]))


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with traced(snakemake.input):
        check_results(
            snakemake.input, snakemake.output.passed, exclude_same_group=snakemake.params.exclude_same_group
        )
