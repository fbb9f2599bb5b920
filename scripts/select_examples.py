"""Example queries of each species with their nearest neighbours, and what species are mistaken for."""

from collections.abc import Mapping

from nearkin.gallery import examples
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.gallery import ExampleNeighbours, Mistaken
from nearkin.tables.labels import Labels
from nearkin.tables.neighbours import Neighbours


def select_examples(
    neighbours_path: str,
    labels_path: str,
    examples_path: str,
    mistaken_path: str,
    *,
    metadata: Mapping[str, str | None],
) -> None:
    neighbours, labels = tables.scan([neighbours_path], Neighbours), tables.scan([labels_path], Labels)
    first = examples.top1_neighbours(neighbours, labels)
    metadata = {**metadata, "fingerprint": tables.read_metadata(neighbours_path).get("fingerprint")}
    shown = examples.neighbours_of(neighbours, examples.select_queries(first), labels)
    tables.write(shown, examples_path, ExampleNeighbours, **metadata)
    tables.write(examples.count_errors(first), mistaken_path, Mistaken, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        select_examples(
            neighbours_path=snakemake.input.neighbours,
            labels_path=snakemake.input.labels,
            examples_path=snakemake.output.examples,
            mistaken_path=snakemake.output.mistaken,
            metadata=dict(snakemake.wildcards.items()),
        )
