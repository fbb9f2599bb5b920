"""Species recall@1 of a model with the number of training images."""

from collections.abc import Mapping

from nearkin.evaluation import training_size
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.dataset_statistics import TrainingSize
from nearkin.tables.labels import Labels
from nearkin.tables.scores import Metrics
from nearkin.tables.splits import Splits


def tabulate_training_size(
    metrics_path: str, labels_path: str, splits_path: str, sizes_path: str, *, metadata: Mapping[str, str]
) -> None:
    labels, splits = tables.read(labels_path, Labels), tables.read(splits_path, Splits)
    table = training_size.tabulate_training_size(tables.read(metrics_path, Metrics), labels, splits)
    tables.write(table, sizes_path, TrainingSize, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        tabulate_training_size(
            metrics_path=snakemake.input.metrics,
            labels_path=snakemake.input.labels,
            splits_path=snakemake.input.splits,
            sizes_path=snakemake.output.sizes,
            metadata=dict(snakemake.wildcards.items()),
        )
