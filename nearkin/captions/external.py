"""Captions in further tables, for example from a captioning program, and the images that they belong to."""

import logging
from pathlib import Path

import polars as pl

from nearkin.sources import csv_reader, errors

logger = logging.getLogger(__name__)


def read_caption_table(path: str | Path, *, image: str, caption: str) -> pl.DataFrame:
    """`image` and `caption` of a table: CSV, TSV or Parquet, by its suffix.

    Raises ValueError naming the file and what it has if a column is not there.
    """
    if Path(path).suffix.lower() != ".parquet":
        table = csv_reader.read_csv(path, [image, caption], overflow_column=caption)
        return table.select(image=image, caption=caption)
    with errors.name_errors(path, "a table of texts"):
        rows = pl.scan_parquet(path, glob=False)
        columns = rows.collect_schema().names()
        missing = [name for name in (image, caption) if name not in columns]
        if missing:
            raise ValueError(f"{path}: no column {', '.join(missing)}; it has {', '.join(columns)}")
        texts = rows.select(image=pl.col(image).cast(pl.String), caption=pl.col(caption).cast(pl.String))
        return texts.collect()


def match_to_images(table: pl.DataFrame, labels: pl.DataFrame, *, name: str) -> pl.DataFrame:
    """`uuid` and `caption` of the images that a table has a caption for.

    Its column `image` holds uuids, paths relative to the source, or file names, which count
    where only one image has them. Of several captions of one image the first that is not
    blank in alphabetical order counts. `name` is what the log calls the table.
    """
    table = table.drop_nulls().with_columns(key=_normalise_path(pl.col("image")))
    keys = {
        "uuid": pl.col("uuid"),
        "path": _normalise_path(pl.col("path")),
        "file name": _extract_file_name(_normalise_path(pl.col("path"))),
    }
    remaining, matches = table, []
    for kind, key in keys.items():
        if kind == "file name":
            remaining = remaining.with_columns(key=_extract_file_name(pl.col("key")))
        images = labels.select("uuid", key=key).filter(pl.col("key").is_in(remaining["key"].implode()))
        shared = images.filter(pl.col("key").is_duplicated())
        if len(shared):
            logger.warning(
                "captions not used, because images share the %s that %s names: %d", kind, name, len(shared)
            )
        images = images.filter(pl.col("key").is_unique())
        matches.append(remaining.join(images, on="key"))
        remaining = remaining.join(images, on="key", how="anti")
    logger.info("%s: %d rows, %d of them match no image", name, len(table), len(remaining))
    blank = pl.col("caption").str.strip_chars() == ""
    rows = pl.concat(matches).select("uuid", "caption").sort("uuid", blank, "caption")
    return rows.unique("uuid", keep="first", maintain_order=True)


def _normalise_path(path: pl.Expr) -> pl.Expr:
    path = path.str.strip_chars().str.replace_all("\\", "/", literal=True).str.normalize("NFC")
    return path.str.strip_prefix("./")


def _extract_file_name(path: pl.Expr) -> pl.Expr:
    return path.str.extract(r"([^/]*)$")
