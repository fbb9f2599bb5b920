"""Images in plain folders, named after what they show.

    <category>/<species>/<file>     or, without categories,     <species>/<file>

An optional captions table in the folder has the columns image_path (or category and
image_name) and caption.
"""

import logging

import polars as pl

from nearkin.sources import told
from nearkin.sources.files import is_image_name, walk
from nearkin.sources.listing import table

logger = logging.getLogger(__name__)


def list_images(folder, source_id, *, captions_table):
    """The Images table of a folder in this layout; the label is the species folder's name as it is.

    If any image lies two folders deep, the first folder is the category for all; otherwise
    the category is `all`. Folders below the species count for nothing. An image that lies too
    high for a species has no label. Raises ValueError naming the folder at fault.
    """
    found = walk(folder)
    rows = pl.concat([_rows(found.files, "exact"), _rows(found.outside, "outside")])
    path = pl.col("path")
    rows = rows.with_columns(folders=path.str.split("/").list.head(path.str.count_matches("/")))
    with_category = (rows.filter(match="exact")["folders"].list.len() >= 2).any()
    rows = rows.with_columns(
        category=pl.col("folders").list.get(0, null_on_oob=True) if with_category else pl.lit("all"),
        label=pl.col("folders").list.get(1 if with_category else 0, null_on_oob=True),
    ).with_columns(pl.col("category").fill_null("all"))
    nameless = rows.filter(pl.col("label").is_null())["path"]
    if len(nameless):
        logger.warning("%d images lie in no folder of a species, such as %s", len(nameless), nameless[0])
    rows = told.added_to(rows, told.read(folder, captions_table))
    return table(rows, source_id, folder=folder, files=found.files)


def _rows(paths, match):
    paths = pl.Series([path for path in paths if is_image_name(path)], dtype=pl.String)
    listed = pl.lit(None, dtype=pl.String)
    return pl.select(path=paths, listed=listed, match=pl.lit(match), place=pl.lit(""))
