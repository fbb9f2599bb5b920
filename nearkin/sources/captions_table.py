"""The captions table of a delivery: captions and names by file or listed name."""

import logging
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from nearkin.sources import csv_reader
from nearkin.sources.safe_paths import AnyPath, resolve_inside
from nearkin.tables.categories import clean_category
from nearkin.vocabulary import NONE

logger = logging.getLogger(__name__)

CAPTION, NAME, PATH, FILE, CATEGORY = "caption", "scientific_name", "image_path", "image_name", "category"
COLUMNS = [CAPTION, NAME, PATH, FILE, CATEGORY]
BY_PATH, BY_FILE = pl.lit("path"), pl.lit("file of ")


def read_captions(folder: AnyPath, name: str | None, trusted: Iterable[AnyPath] = ()) -> pl.DataFrame:
    """The captions table `name` of a folder, one row per delivered row; without such a file, none.

    `path_key` and `file_key` identify the image of a row. The category is taken from the path if
    the table does not have it. Raises ValueError naming the file if it has no column for the image.
    """
    if name and Path(folder, name).is_file():
        path = resolve_inside(folder, name, trusted)
        has = [column for column in csv_reader.read_header(path) if column in COLUMNS]
        if PATH not in has and FILE not in has:
            raise ValueError(
                f"{name}: no column {PATH} or {FILE}; it has {', '.join(csv_reader.read_header(path))}"
            )
        rows = csv_reader.read_csv(
            path, [CAPTION, *(column for column in has if column != CAPTION)], overflow_column=CAPTION
        )
    else:
        logger.info("no captions table: %s in %s", name, folder)
        rows = pl.DataFrame(schema={PATH: pl.String})
    rows = rows.with_columns(pl.lit("").alias(column) for column in COLUMNS if column not in rows.columns)
    rows = rows.with_columns(path_key=_make_key(pl.col(PATH)), file_key=_make_key(pl.col(FILE)))
    of_path = pl.col("path_key").str.extract("(?s)^datasets/([^/]*)/")
    category = clean_category(pl.col(CATEGORY))
    return rows.with_columns(
        pl.when(category != NONE).then(category).otherwise(clean_category(of_path)).alias(CATEGORY)
    )


def listed_names(captions: pl.DataFrame, category: str) -> pl.DataFrame:
    """The names that the table lists in a category: `lookup_name` to find the file by, and `listed_name`."""
    of_category = captions.filter(
        pl.col(CATEGORY) == clean_category(pl.lit(category)),
        (pl.col("path_key") != "") | (pl.col("file_key") != ""),
    )
    path, file = pl.col(PATH), pl.col(FILE)
    return of_category.select(
        lookup_name=pl.when(path != "").then(path).otherwise(file),
        listed_name=pl.when(file != "").then(file).otherwise(path),
    ).unique()


def join_captions(rows: pl.DataFrame, captions: pl.DataFrame) -> pl.DataFrame:
    """Listed rows with `caption` and `raw_name_in_captions` from the captions table; null if it has none.

    They are looked up by path, then by category and file name. Where several rows of the table
    are about one image, the alphabetically first caption that is not blank counts, and a
    name only if all names that are given agree.
    """
    name = pl.coalesce("path", "listed_name")
    keys = [
        (BY_PATH, _make_key(name)),
        (BY_PATH, _make_key(pl.col("base_folder") + name)),
        (BY_FILE + clean_category(pl.col("category")), _make_key(name.str.extract("([^/]*)$"))),
        (BY_FILE + clean_category(pl.col("category")), _make_key(pl.col("listed_name"))),
    ]
    index, positions = _index_captions(captions), []
    for scope, key in keys:
        queries = rows.select(scope=scope, key=key)
        positions.append(queries.join(index, on=["scope", "key"], how="left", maintain_order="left")["at"])
    rows = rows.with_columns(at=pl.select(pl.coalesce(positions)).to_series())
    rows = rows.join(index.drop("scope"), on="at", how="left", maintain_order="left")
    unclear = rows.filter("differ")["key"].unique().sort()
    if len(unclear):
        names = ", ".join(unclear.head(3))
        logger.warning("%d images with rows in the captions table that differ: %s ...", len(unclear), names)
    return rows.drop("at", "key", "differ")


def _make_key(name: pl.Expr) -> pl.Expr:
    return name.str.strip_chars().str.normalize("NFC").str.strip_prefix("./")


def _index_captions(captions: pl.DataFrame) -> pl.DataFrame:
    """Caption and name by `key`, a path, or a file name whose `scope` is its category."""
    by_path = captions.select(CAPTION, NAME, scope=BY_PATH, key="path_key")
    by_file = captions.select(CAPTION, NAME, scope=BY_FILE + pl.col(CATEGORY), key="file_key")
    caption, name = pl.col(CAPTION), pl.col(NAME)
    names = name.filter(name.str.strip_chars() != "")
    groups = pl.concat([by_path, by_file]).filter(pl.col("key") != "").group_by("scope", "key")
    return groups.agg(
        caption=pl.coalesce(caption.filter(caption.str.strip_chars() != "").min(), caption.min()),
        raw_name_in_captions=pl.when(names.n_unique() == 1).then(names.first()),
        differ=(caption.n_unique() > 1) | (names.n_unique() > 1),
    ).with_row_index("at")
