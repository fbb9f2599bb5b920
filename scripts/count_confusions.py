"""Confusions of a model: the labels of queries and of their nearest images."""

from collections.abc import Mapping

from nearkin.evaluation import confusions
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.confusions import Confusions
from nearkin.tables.labels import Labels
from nearkin.tables.neighbours import Neighbours


def count_confusions(
    neighbours_path: str,
    labels_path: str,
    confusions_path: str,
    *,
    metadata: Mapping[str, str | None],
) -> None:
    nearest = tables.scan([neighbours_path], Neighbours).filter(rank=1)
    counts = confusions.count_confusions(
        nearest.select("protocol", "query", "neighbour").collect(engine="streaming"),
        tables.read(labels_path, Labels, ["uuid", "category", *confusions.CONFUSION_LEVELS]),
    )
    metadata = {**metadata, "fingerprint": tables.read_metadata(neighbours_path).get("fingerprint")}
    tables.write(counts, confusions_path, Confusions, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        count_confusions(
            neighbours_path=snakemake.input.neighbours,
            labels_path=snakemake.input.labels,
            confusions_path=snakemake.output.confusions,
            metadata=dict(snakemake.wildcards.items()),
        )
