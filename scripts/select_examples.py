"""Example queries of each species with their nearest neighbours."""

from collections.abc import Mapping

from nearkin.gallery import examples
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.gallery import ExampleNeighbours
from nearkin.tables.labels import Labels
from nearkin.tables.neighbours import Neighbours


def select_examples(
    neighbours_path: str, labels_path: str, examples_path: str, *, metadata: Mapping[str, str | None]
) -> None:
    neighbours, labels = tables.scan([neighbours_path], Neighbours), tables.scan([labels_path], Labels)
    metadata = {**metadata, "fingerprint": tables.read_metadata(neighbours_path).get("fingerprint")}
    queries = examples.select_queries(neighbours, labels)
    shown = examples.neighbours_of(neighbours, queries, labels)
    tables.write(shown, examples_path, ExampleNeighbours, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        select_examples(
            neighbours_path=snakemake.input.neighbours,
            labels_path=snakemake.input.labels,
            examples_path=snakemake.output.examples,
            metadata=dict(snakemake.wildcards.items()),
        )
