"""From what a layout lists to the Images table."""

import logging

import polars as pl
from tqdm import tqdm

from nearkin.identity import image_uuid
from nearkin.sources import sidecars
from nearkin.tables.images import Images

logger = logging.getLogger(__name__)

AT_ONCE = 100_000
"""Rows whose names are held as Python strings at a time."""

FIRST = ["path", "listed", "label", "caption_name", "caption"]
"""What the rows of one image are sorted by, before all else."""


def table(rows, source_id, *, folder, files):
    """The Images table of these rows. Raises ValueError if there is no image among them.

    `rows` have `path`, `listed`, `match` and whatever else of the Images table a layout knows.
    A name without a file is counted to the folder `place`, if the rows have that; images
    without a category are of the category `all`. `files` are all files of the folder, the
    images' sidecars among them. Rows of one image are numbered in the order of what they say,
    whatever the order of the tables. Files whose names are two Unicode forms of one name
    cannot be told apart by name: all their rows become ambiguous.
    """
    if rows["path"].null_count() == len(rows):
        raise ValueError(f"{str(folder)!r}: holds no image file; mend the dataset's source.folder")
    unknown = [name for name in ("place", *Images.column_names()) if name not in rows.columns]
    rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in unknown)
    blank = pl.col("category").str.strip_chars().fill_null("") == ""
    rows = rows.with_columns(
        uuid=_uuids(rows, source_id),
        category=pl.when(blank).then(pl.lit("all")).otherwise("category"),
    )
    openable = rows.filter(pl.col("path").is_not_null(), pl.col("match") != "outside")
    beside = sidecars.texts(folder, files, openable["path"].unique())
    rows = rows.drop("sidecar").join(beside, on="path", how="left", maintain_order="left")
    rows = _numbered(rows.select(Images.column_names()))
    for match, n in rows.group_by("match").len().sort("match").iter_rows():
        logger.info("%d rows: %s", n, match)
    return rows


def _uuids(rows, source_id):
    of_place = pl.concat_str(pl.col("place").fill_null(""), "listed")
    names = rows.select(pl.coalesce("path", of_place)).to_series()
    parts = tqdm(names.to_frame().iter_slices(AT_ONCE), desc="uuids", unit=f" x {AT_ONCE} rows", disable=None)
    found = [pl.Series([image_uuid(source_id, name) for name in part.to_series()]) for part in parts]
    return pl.concat(found)


def _numbered(rows):
    """The rows by uuid; few images have more than one, so that only these are sorted by all they say."""
    repeated = rows["uuid"].is_duplicated()
    single = rows.filter(~repeated).with_columns(row=pl.lit(0, dtype=pl.Int32))
    rows = rows.filter(repeated)
    twins = (pl.col("path").drop_nulls().n_unique() > 1).over("uuid")
    rows = rows.with_columns(match=pl.when(twins).then(pl.lit("ambiguous")).otherwise("match"))
    rows = rows.sort("uuid", *FIRST, pl.exclude("uuid", *FIRST), nulls_last=True)
    rows = rows.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int32).over("uuid"))
    return pl.concat([single, rows]).sort("uuid", "row")
