"""What is on the contact sheets of a comparison: queries of telling species, as both models see them."""

from nearkin.lineage import traced
from nearkin.logs import log_to
from nearkin.looking import sheets
from nearkin.tables import io
from nearkin.tables.labels import Labels
from nearkin.tables.looking import Mistaken, Sheets
from nearkin.tables.neighbours import Neighbours
from nearkin.tables.scores import Differences


def choose_sheets(
    differences_path, mistaken_path, base_path, trained_path, labels_path, sheets_path, *, stamps
):
    chosen = sheets.choose(
        io.read(differences_path, Differences),
        io.read(mistaken_path, Mistaken),
        base=io.scan([base_path], Neighbours),
        trained=io.scan([trained_path], Neighbours),
        labels=io.scan([labels_path], Labels),
    )
    io.write(chosen, sheets_path, Sheets, **stamps)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    with traced(snakemake.input):
        choose_sheets(
            differences_path=snakemake.input.differences,
            mistaken_path=snakemake.input.mistaken,
            base_path=snakemake.input.base,
            trained_path=snakemake.input.trained,
            labels_path=snakemake.input.labels,
            sheets_path=snakemake.output.sheets,
            stamps=dict(snakemake.wildcards.items()),
        )
