"""Species recall@1 of a model beside the number of training images."""

from nearkin.evaluation import training_size
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import traced
from nearkin.tables.dataset_statistics import TrainingSize
from nearkin.tables.labels import Labels
from nearkin.tables.scores import Metrics
from nearkin.tables.splits import Splits


def tabulate_training_size(metrics_path, labels_path, splits_path, sizes_path, *, stamps):
    labels, splits = tables.read(labels_path, Labels), tables.read(splits_path, Splits)
    table = training_size.tabulate_training_size(tables.read(metrics_path, Metrics), labels, splits)
    tables.write(table, sizes_path, TrainingSize, **stamps)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with traced(snakemake.input):
        tabulate_training_size(
            metrics_path=snakemake.input.metrics,
            labels_path=snakemake.input.labels,
            splits_path=snakemake.input.splits,
            sizes_path=snakemake.output.sizes,
            stamps=dict(snakemake.wildcards.items()),
        )
