"""Images listed in a table of any kind, CSV, TSV or Parquet, whose columns fill those of the Images table."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import polars as pl

from nearkin.sources import column_mapping, csv_reader, errors
from nearkin.sources.assemble import build_images_table, list_left_out
from nearkin.sources.file_matching import Matcher
from nearkin.sources.safe_paths import AnyPath
from nearkin.sources.walk import is_image_name, walk

logger = logging.getLogger(__name__)

COLUMN_BY_FIELD = {"file": "listed_name", "species": "raw_name"}
"""Names in the Images table of fields of the config, where they differ."""

PARQUET_MAGIC = b"PAR1"
"""The first bytes of a Parquet file."""

MULTI_VALUE_SEPARATOR = "|"
"""Separates the files of one Darwin Core record."""


class TableSettings(TypedDict):
    """Which table lists the images, and how its columns are read: see `column_mapping.resolve_columns`."""

    path: str
    preset: str | None
    overrides: Mapping[str, str | list[str]]


def list_images(
    folder: AnyPath,
    source_id: str,
    *,
    path: str,
    preset: str | None,
    overrides: Mapping[str, str | list[str]],
    unlisted: str,
    trusted: Iterable[AnyPath] = (),
) -> pl.DataFrame:
    """The Images table of a folder whose images are listed in the table at `path`.

    `preset` and `overrides` say which column fills which field: see `column_mapping.resolve_columns`. A
    row for each row of the table, for each image file that it does not list, unless `unlisted` is "ignore",
    and for each linked folder that is not followed.
    An address counts as the last part of its path. Raises ValueError naming the folder at
    fault, or the table and its column.
    """
    listing = walk(folder, trusted)
    rows = read_image_table(path, preset=preset, overrides=overrides).with_columns(
        lookup_name=_file_name_expr(pl.col("listed_name"))
    )
    matcher = Matcher([*listing.files, *listing.outside])
    files = matcher.find(rows["lookup_name"], matcher.exact(rows["lookup_name"]))
    files = files.rename({"listed_name": "lookup_name"})
    in_links = pl.col("path").is_in(listing.outside)
    files = files.with_columns(
        match_kind=pl.when(in_links).then(pl.lit("outside_folder")).otherwise("match_kind")
    )
    rows = rows.join(files, on="lookup_name").drop("lookup_name")
    if unlisted == "quarantine":
        further = pl.concat(
            [_make_rows(listing.files, "unlisted"), _make_rows(listing.outside, "outside_folder")]
        )
        further = further.join(rows, on="path", how="anti")
        rows = pl.concat([rows, further], how="diagonal")
    rows = pl.concat([rows, list_left_out(listing, files=unlisted == "quarantine")], how="diagonal")
    return build_images_table(rows, source_id, folder=folder, listing=listing, trusted=trusted)


def read_image_table(
    path: str, *, preset: str | None, overrides: Mapping[str, str | list[str]]
) -> pl.DataFrame:
    """The table at `path`, in columns of the Images table; only the needed columns are read.

    The texts are untouched. The files of one Darwin Core record are a row each.
    """
    if not Path(path).is_file():
        raise ValueError(f"no table {path!r}: correct the dataset's source.table")
    with open(path, "rb") as file:
        is_parquet = file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC
    with errors.name_errors(path, "a table"):
        has = _scan_parquet(path).collect_schema().names() if is_parquet else csv_reader.read_header(path)
    fields = column_mapping.resolve_columns(path, has, preset=preset, overrides=overrides)
    for field, texts in fields.items():
        logger.info("%s: from %s", field, ", or else ".join(texts))
    needed = sorted(
        {name for texts in fields.values() for text in texts for name in column_mapping.list_columns(text)}
    )
    if is_parquet:
        rows = _read_parquet(path, needed)
    else:
        rows = csv_reader.read_csv(path, needed, unquoted_delimiters="\t" if preset == "darwin_core" else "")
    rows = rows.select(
        _first_filled_expr(texts).alias(COLUMN_BY_FIELD.get(field, field)) for field, texts in fields.items()
    )
    rows = rows.with_columns(pl.col("listed_name").fill_null(""))
    if preset == "darwin_core":
        rows = rows.with_columns(pl.col("listed_name").str.split(MULTI_VALUE_SEPARATOR)).explode(
            "listed_name"
        )
        rows = rows.with_columns(pl.col("listed_name").str.strip_chars())
    return rows


def _read_parquet(path: str, names: Sequence[str]) -> pl.DataFrame:
    types = _scan_parquet(path).collect_schema()
    for name in names:
        if types[name].is_nested() or types[name] in (pl.Binary, pl.Object):
            raise ValueError(
                f"{path}: column {name!r} is {types[name]}; nothing but texts and numbers is read"
            )
    scan = _scan_parquet(path).select(pl.col(names).cast(pl.String))
    with errors.name_errors(path, "a table"):
        rows = scan.collect(engine="streaming")
    logger.info("read %d rows of %s", len(rows), path, extra={"counts": {"rows in": len(rows)}})
    return rows


def _scan_parquet(path: str) -> pl.LazyFrame:
    return pl.scan_parquet(path, glob=False)


def _first_filled_expr(texts: Sequence[str]) -> pl.Expr:
    """The first of these columns or templates that is not blank, or else the first as it is."""
    values = [_fill_template_expr(column_mapping.split_template(text)) for text in texts]
    return pl.coalesce(*(_blank_to_null_expr(value) for value in values), values[0])


def _fill_template_expr(pieces: Sequence[str]) -> pl.Expr:
    """A column as it is, or a template with its columns filled in: null where one of these is blank."""
    if len(pieces) == 3 and pieces[0] == pieces[2] == "":
        return pl.col(pieces[1])
    literals = [pl.lit(piece) for piece in pieces]
    cells = [_blank_to_null_expr(pl.col(name)) for name in pieces[1::2]]
    literals[1::2] = cells
    return pl.concat_str(literals)


def _blank_to_null_expr(value: pl.Expr) -> pl.Expr:
    return pl.when(value.str.strip_chars() != "").then(value)


def _file_name_expr(listed: pl.Expr) -> pl.Expr:
    last = listed.str.replace("(?s)[?#].*$", "").str.extract("([^/]*)$")
    return pl.when(listed.str.contains("(?i)^https?://")).then(last).otherwise(listed)


def _make_rows(paths: Iterable[str], match_kind: str) -> pl.DataFrame:
    images = pl.Series([path for path in paths if is_image_name(path)], dtype=pl.String)
    return pl.select(path=images, match_kind=pl.lit(match_kind))
