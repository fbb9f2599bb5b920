"""What is on the contact sheets of a comparison: queries of telling species, as both models see them."""

from collections.abc import Mapping

from nearkin.gallery import sheet_selection
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.confusions import Confusions
from nearkin.tables.gallery import ContactSheetEntries
from nearkin.tables.labels import Labels
from nearkin.tables.neighbours import Neighbours
from nearkin.tables.scores import Differences


def select_contact_sheets(
    differences_path: str,
    confusions_path: str,
    base_path: str,
    trained_path: str,
    labels_path: str,
    contact_sheets_path: str,
    *,
    metadata: Mapping[str, str],
) -> None:
    chosen = sheet_selection.select_entries(
        tables.read(differences_path, Differences),
        tables.read(confusions_path, Confusions),
        base=tables.scan([base_path], Neighbours),
        trained=tables.scan([trained_path], Neighbours),
        labels=tables.scan([labels_path], Labels),
    )
    tables.write(chosen, contact_sheets_path, ContactSheetEntries, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        select_contact_sheets(
            differences_path=snakemake.input.differences,
            confusions_path=snakemake.input.confusions,
            base_path=snakemake.input.base,
            trained_path=snakemake.input.trained,
            labels_path=snakemake.input.labels,
            contact_sheets_path=snakemake.output.contact_sheets,
            metadata=dict(snakemake.wildcards.items()),
        )
