"""Contact sheets of a comparison: telling species and confusions, as both models see them."""

from collections.abc import Mapping, Sequence

import polars as pl

from nearkin.gallery import contact_sheet
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.gallery import ContactSheetEntries, Thumbnails


def draw_contact_sheets(
    contact_sheets_path: str,
    thumbnails_paths: Sequence[str],
    png_paths: Mapping[str, str],
    *,
    base: str,
    trained: str,
) -> None:
    """`png_paths` are by sheet."""
    sheets = tables.read(contact_sheets_path, ContactSheetEntries)
    shown = pl.concat([sheets["query"], sheets["neighbour"]]).implode()
    found = tables.scan(thumbnails_paths, Thumbnails).filter(pl.col("uuid").is_in(shown))
    thumbnails = dict(found.select("uuid", "jpeg").collect().iter_rows())
    for sheet, path in png_paths.items():
        image = contact_sheet.draw_contact_sheet(
            sheets.filter(sheet=sheet), thumbnails, sheet=sheet, base=base, trained=trained
        )
        contact_sheet.save_contact_sheet(image, path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        draw_contact_sheets(
            contact_sheets_path=snakemake.input.contact_sheets,
            thumbnails_paths=snakemake.input.thumbnails,
            png_paths=dict(snakemake.output.items()),
            base=snakemake.wildcards.base,
            trained=snakemake.wildcards.trained,
        )
