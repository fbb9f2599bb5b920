"""How many images, groups, species and genera a dataset has, by category and split."""

from nearkin.runtime.logs import setup_logging
from nearkin.splits import statistics
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.dataset_statistics import Statistics
from nearkin.tables.labels import Labels
from nearkin.tables.splits import Splits


def describe_dataset(labels_path: str, splits_path: str, statistics_path: str, *, dataset: str) -> None:
    table = statistics.describe_dataset(tables.read(labels_path, Labels), tables.read(splits_path, Splits))
    tables.write(table, statistics_path, Statistics, dataset=dataset)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        describe_dataset(
            labels_path=snakemake.input.labels,
            splits_path=snakemake.input.splits,
            statistics_path=snakemake.output.statistics,
            dataset=snakemake.wildcards.dataset,
        )
