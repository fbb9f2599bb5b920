"""The captions table of a delivery: what it says about a file or a listed name."""

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

    `path_key` and `file_key` say what a row is about. The category is that of the path where
    the table does not say it. Raises ValueError naming the file if it speaks of no image.
    """
    if name and Path(folder, name).is_file():
        path = resolve_inside(folder, name, trusted)
        has = [column for column in csv_reader.read_header(path) if column in COLUMNS]
        if PATH not in has and FILE not in has:
            raise ValueError(
                f"{name}: no column {PATH} or {FILE}; it has {', '.join(csv_reader.read_header(path))}"
            )
        rows = csv_reader.read_csv(
            path, [CAPTION, *(column for column in has if column != CAPTION)], free=CAPTION
        )
    else:
        logger.info("no captions table: %s in %s", name, folder)
        rows = pl.DataFrame(schema={PATH: pl.String})
    rows = rows.with_columns(pl.lit("").alias(column) for column in COLUMNS if column not in rows.columns)
    rows = rows.with_columns(path_key=_make_key(pl.col(PATH)), file_key=_make_key(pl.col(FILE)))
    of_path = pl.col("path_key").str.extract("(?s)^datasets/([^/]*)/")
    said = clean_category(pl.col(CATEGORY))
    return rows.with_columns(
        pl.when(said != NONE).then(said).otherwise(clean_category(of_path)).alias(CATEGORY)
    )


def listed_names(told, category):
    """What the table lists in a category: `wanted`, a name to look for, and `listed_name`, the file's."""
    about = told.filter(
        pl.col(CATEGORY) == clean_category(pl.lit(category)),
        (pl.col("path_key") != "") | (pl.col("file_key") != ""),
    )
    path, file = pl.col(PATH), pl.col(FILE)
    return about.select(
        wanted=pl.when(path != "").then(path).otherwise(file),
        listed_name=pl.when(file != "").then(file).otherwise(path),
    ).unique()


def join_captions(rows, told):
    """Listed rows with `caption` and `raw_name_in_captions`, both from the captions table; null without.

    They are looked up by path, then by category and file name. Where several rows of the table
    mean one image, the first caption that is not blank in alphabetical order counts, and a
    name only if all that give one agree.
    """
    name = pl.coalesce("path", "listed_name")
    keys = [
        (BY_PATH, _make_key(name)),
        (BY_PATH, _make_key(pl.col("place") + name)),
        (BY_FILE + clean_category(pl.col("category")), _make_key(name.str.extract("([^/]*)$"))),
        (BY_FILE + clean_category(pl.col("category")), _make_key(pl.col("listed_name"))),
    ]
    said, at = _index_captions(told), []
    for scope, key in keys:
        asked = rows.select(scope=scope, key=key)
        at.append(asked.join(said, on=["scope", "key"], how="left", maintain_order="left")["at"])
    found = rows.with_columns(at=pl.select(pl.coalesce(at)).to_series())
    found = found.join(said.drop("scope"), on="at", how="left", maintain_order="left")
    unclear = found.filter("differ")["key"].unique().sort()
    if len(unclear):
        names = ", ".join(unclear.head(3))
        logger.warning("%d images with rows in the captions table that differ: %s ...", len(unclear), names)
    return found.drop("at", "key", "differ")


def _make_key(name):
    return name.str.strip_chars().str.normalize("NFC").str.strip_prefix("./")


def _index_captions(told):
    """What is said of each path and of each file name of a category, the `scope` of a `key`."""
    by_path = told.select(CAPTION, NAME, scope=BY_PATH, key="path_key")
    by_file = told.select(CAPTION, NAME, scope=BY_FILE + pl.col(CATEGORY), key="file_key")
    caption, name = pl.col(CAPTION), pl.col(NAME)
    names = name.filter(name.str.strip_chars() != "")
    said = pl.concat([by_path, by_file]).filter(pl.col("key") != "").group_by("scope", "key")
    return said.agg(
        caption=pl.coalesce(caption.filter(caption.str.strip_chars() != "").min(), caption.min()),
        raw_name_in_captions=pl.when(names.n_unique() == 1).then(names.first()),
        differ=(caption.n_unique() > 1) | (names.n_unique() > 1),
    ).with_row_index("at")
