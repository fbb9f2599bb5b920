"""The queries that stand for their species with their nearest neighbours, and whom species are taken for."""

from nearkin.lineage import traced
from nearkin.logs import log_to
from nearkin.looking import examples
from nearkin.tables import io
from nearkin.tables.labels import Labels
from nearkin.tables.looking import Examples, Mistaken
from nearkin.tables.neighbours import Neighbours


def choose_examples(neighbours_path, labels_path, examples_path, mistaken_path, *, stamps):
    neighbours, labels = io.scan([neighbours_path], Neighbours), io.scan([labels_path], Labels)
    first = examples.nearest_of_all(neighbours, labels)
    stamps = stamps | {"fingerprint": io.metadata(neighbours_path).get("fingerprint")}
    shown = examples.nearest(neighbours, examples.chosen(first), labels)
    io.write(shown, examples_path, Examples, **stamps)
    io.write(examples.mistaken(first), mistaken_path, Mistaken, **stamps)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    with traced(snakemake.input):
        choose_examples(
            neighbours_path=snakemake.input.neighbours,
            labels_path=snakemake.input.labels,
            examples_path=snakemake.output.examples,
            mistaken_path=snakemake.output.mistaken,
            stamps=dict(snakemake.wildcards.items()),
        )
