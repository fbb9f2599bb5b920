"""From what a layout lists to the Images table."""

import logging
from typing import NamedTuple

import polars as pl

from nearkin.identity import image_uuid
from nearkin.tables.images import Images

logger = logging.getLogger(__name__)


class Row(NamedTuple):
    """One delivered row. `place` is the folder that a name without a file is counted to."""

    path: str | None
    listed: str | None
    match: str
    category: str
    label: str | None
    place: str
    caption_name: str | None = None
    caption: str | None = None


def table(rows, source_id, *, folder):
    """The Images table of these rows. Raises ValueError if there is no image among them.

    Rows of one image are numbered in the order of what they say, whatever the order of the
    tables. Files whose names are two Unicode forms of one name cannot be told apart by name:
    all their rows become ambiguous.
    """
    if not any(row.path for row in rows):
        raise ValueError(f"{str(folder)!r}: holds no image file; mend the dataset's source.folder")
    frame = pl.DataFrame(rows, schema={name: pl.String for name in Row._fields}, orient="row")
    names = [row.path or f"{row.place}{row.listed}" for row in rows]
    frame = frame.with_columns(
        uuid=pl.Series([image_uuid(source_id, name) for name in names], dtype=pl.String),
        specimen=pl.lit(None, dtype=pl.String),
    )
    twins = (pl.col("path").drop_nulls().n_unique() > 1).over("uuid")
    frame = frame.with_columns(match=pl.when(twins).then(pl.lit("ambiguous")).otherwise("match"))
    frame = frame.sort("uuid", "path", "listed", "label", "caption_name", "caption", nulls_last=True)
    frame = frame.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int32).over("uuid"))
    for match, n in frame.group_by("match").len().sort("match").iter_rows():
        logger.info("%d rows: %s", n, match)
    return frame.select(Images.column_names())
