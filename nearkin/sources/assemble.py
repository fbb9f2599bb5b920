"""From what a layout lists to the Images table."""

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
"""What the rows of one image are sorted by, before all else."""


def build_images_table(
    rows: pl.DataFrame,
    source_id: str,
    *,
    folder: AnyPath,
    found: FolderListing,
    trusted: Iterable[AnyPath] = (),
) -> pl.DataFrame:
    """The Images table of these rows.

    `rows` have `path`, `listed_name`, `match_kind` and whatever else of the Images table a layout knows.
    A name without a file is counted to the folder `place`, if the rows have that. `found` is what
    lies in the folder, the images' sidecars among it. Rows of one image are numbered in the
    order of what they say, whatever the order of the tables. Files whose names are two Unicode
    forms of one name cannot be told apart by name: all their rows become ambiguous. Raises
    ValueError if there is no image among the rows, or if a category is called `all`.
    """
    if rows["path"].null_count() == len(rows):
        links = [path for path, why in found.left_out if why == "linked_folder"]
        remedy = f"name where {links[0]!r} leads in source.follow_links" if links else "mend source.folder"
        raise ValueError(f"{str(folder)!r}: holds no image file; {remedy}, in the dataset's config")
    unknown = [name for name in ("place", *Images.column_names()) if name not in rows.columns]
    rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in unknown)
    _check_categories(rows)
    rows = rows.with_columns(uuid=_compute_uuids(rows, source_id))
    openable = rows.filter(pl.col("path").is_not_null(), pl.col("match_kind") != "outside_folder")
    beside = sidecars.read_sidecars(folder, found.files, openable["path"].unique(), trusted)
    rows = rows.drop("sidecar").join(beside, on="path", how="left", maintain_order="left")
    rows = _number_rows(rows.select(Images.column_names()))
    for match, n in rows.group_by("match_kind").len().sort("match_kind").iter_rows():
        logger.info("%d rows: %s", n, match)
    return rows


def list_left_out(found: FolderListing, *, files: bool = True) -> pl.DataFrame:
    """Rows for what `walk` left out: `listed_name` says where it lies, `match_kind` why; `path` is null.

    All folders have one, broken links, which may have led to folders, and if `files` are wanted, what is
    named like an image.
    """
    kept = [
        (path, why)
        for path, why in found.left_out
        if why in NOT_ENTERED or (files if is_image_name(path) else why == "broken_link")
    ]
    return pl.DataFrame(kept, schema={"listed_name": pl.String, "match_kind": pl.String}, orient="row")


def _check_categories(rows: pl.DataFrame) -> None:
    reserved = rows.filter(categories.clean_category(pl.col("category")) == ALL)
    if len(reserved):
        first = reserved.select(pl.coalesce("path", "listed_name")).item(0, 0)
        raise ValueError(
            f"{first}: its category is {ALL!r}, as in {len(reserved)} rows, which in all results "
            "means all categories together. Rename the category. If there are none: of a table, say "
            "source.columns: {category: []}; of folders, let source.folder end one folder deeper"
        )


def _compute_uuids(rows, source_id):
    of_place = pl.concat_str(pl.col("place").fill_null(""), "listed_name")
    names = rows.select(pl.coalesce("path", of_place)).to_series()
    parts = tqdm(
        names.to_frame().iter_slices(CHUNK_ROWS), desc="uuids", unit=f" x {CHUNK_ROWS} rows", disable=None
    )
    found = [pl.Series([image_uuid(source_id, name) for name in part.to_series()]) for part in parts]
    return pl.concat(found)


def _number_rows(rows):
    """The rows by uuid; few images have more than one, so that only these are sorted by all they say."""
    repeated = rows["uuid"].is_duplicated()
    single = rows.filter(~repeated).with_columns(row=pl.lit(0, dtype=pl.Int32))
    rows = rows.filter(repeated)
    twins = (pl.col("path").drop_nulls().n_unique() > 1).over("uuid")
    rows = rows.with_columns(match_kind=pl.when(twins).then(pl.lit("ambiguous")).otherwise("match_kind"))
    rows = rows.sort("uuid", *SORT_KEYS, pl.exclude("uuid", *SORT_KEYS), nulls_last=True)
    rows = rows.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int32).over("uuid"))
    return pl.concat([single, rows]).sort("uuid", "row")
