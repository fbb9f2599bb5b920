"""Builds the Images table from the rows that a layout lists."""

import logging
from collections.abc import Iterable

import polars as pl
from tqdm import tqdm

from nearkin.sources import sidecars
from nearkin.sources.image_ids import image_uuid
from nearkin.sources.safe_paths import AnyPath
from nearkin.sources.walk import NOT_ENTERED, FolderListing, is_image_name
from nearkin.tables import categories
from nearkin.tables.images import Images
from nearkin.vocabulary import ALL

logger = logging.getLogger(__name__)

CHUNK_ROWS = 100_000
"""Rows whose names are held as Python strings at a time."""

SORT_KEYS = ["path", "listed_name", "raw_name", "raw_name_in_captions", "caption"]
"""Columns by which the rows of one image are sorted first."""


def build_images_table(
    rows: pl.DataFrame,
    source_id: str,
    *,
    folder: AnyPath,
    listing: FolderListing,
    trusted: Iterable[AnyPath] = (),
) -> pl.DataFrame:
    """The Images table of these rows.

    `rows` have `path`, `listed_name`, `match_kind` and the other columns of the Images table that a layout
    knows. A name without a file counts as one in `base_folder`, if the rows have that column. `listing` are
    the contents of the folder, including the images' sidecars. Rows of one image are numbered in the
    order of their values, whatever the order of the tables. Files whose names are two Unicode
    forms of one name cannot be distinguished by name: all their rows become ambiguous. Raises
    ValueError if there is no image among the rows, or if a category is called `all`.
    """
    if rows["path"].null_count() == len(rows):
        links = [path for path, why in listing.left_out if why == "linked_folder"]
        remedy = f"name where {links[0]!r} leads in source.follow_links" if links else "correct source.folder"
        raise ValueError(f"{str(folder)!r}: holds no image file; {remedy}, in the dataset's config")
    unknown = [name for name in ("base_folder", *Images.column_names()) if name not in rows.columns]
    rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in unknown)
    _check_categories(rows)
    rows = rows.with_columns(uuid=_compute_uuids(rows, source_id))
    openable = rows.filter(pl.col("path").is_not_null(), pl.col("match_kind") != "outside_folder")
    captions = sidecars.read_sidecars(folder, listing.files, openable["path"].unique(), trusted)
    rows = rows.drop("sidecar_caption").join(captions, on="path", how="left", maintain_order="left")
    rows = _number_rows(rows.select(Images.column_names()))
    for match_kind, n in rows.group_by("match_kind").len().sort("match_kind").iter_rows():
        logger.info("%d rows: %s", n, match_kind)
    return rows


def list_left_out(listing: FolderListing, *, files: bool = True) -> pl.DataFrame:
    """Rows for what `walk` left out: `listed_name` is its path, `match_kind` the reason; `path` is null.

    There is a row for each folder, for each broken link, which may have led to a folder, and with `files`
    for each file that is named like an image.
    """
    left_out = [
        (path, why)
        for path, why in listing.left_out
        if why in NOT_ENTERED or (files if is_image_name(path) else why == "broken_link")
    ]
    return pl.DataFrame(left_out, schema={"listed_name": pl.String, "match_kind": pl.String}, orient="row")


def _check_categories(rows: pl.DataFrame) -> None:
    reserved = rows.filter(categories.clean_category(pl.col("category")) == ALL)
    if len(reserved):
        first = reserved.select(pl.coalesce("path", "listed_name")).item(0, 0)
        raise ValueError(
            f"{first}: its category is {ALL!r}, as in {len(reserved)} rows, which in all results "
            "means all categories together. Rename the category. If there are none: of a table, say "
            "source.columns: {category: []}; of folders, let source.folder end one folder deeper"
        )


def _compute_uuids(rows: pl.DataFrame, source_id: str) -> pl.Series:
    listed_path = pl.concat_str(pl.col("base_folder").fill_null(""), "listed_name")
    names = rows.select(pl.coalesce("path", listed_path)).to_series()
    parts = tqdm(
        names.to_frame().iter_slices(CHUNK_ROWS), desc="uuids", unit=f" x {CHUNK_ROWS} rows", disable=None
    )
    return pl.concat(pl.Series([image_uuid(source_id, name) for name in part.to_series()]) for part in parts)


def _number_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by uuid, numbered. Few images have several, so that only these are sorted by all columns."""
    repeated = rows["uuid"].is_duplicated()
    single = rows.filter(~repeated).with_columns(row_index=pl.lit(0, dtype=pl.Int32))
    rows = rows.filter(repeated)
    has_several_paths = (pl.col("path").drop_nulls().n_unique() > 1).over("uuid")
    rows = rows.with_columns(
        match_kind=pl.when(has_several_paths).then(pl.lit("ambiguous")).otherwise("match_kind")
    )
    rows = rows.sort("uuid", *SORT_KEYS, pl.exclude("uuid", *SORT_KEYS), nulls_last=True)
    rows = rows.with_columns(row_index=pl.int_range(pl.len(), dtype=pl.Int32).over("uuid"))
    return pl.concat([single, rows]).sort("uuid", "row_index")
