"""Images in plain folders, named after what they show.

    <category>/<species>/<file>     or, without categories,     <species>/<file>

An optional captions table in the folder has the columns image_path (or category and
image_name) and caption.
"""

import logging
from collections.abc import Iterable

import polars as pl

from nearkin.sources.assemble import build_images_table, list_left_out
from nearkin.sources.captions_table import join_captions, read_captions
from nearkin.sources.safe_paths import AnyPath
from nearkin.sources.walk import NOT_ENTERED, is_image_name, walk

logger = logging.getLogger(__name__)


def list_images(
    folder: AnyPath, source_id: str, *, captions_table: str | None, trusted: Iterable[AnyPath] = ()
) -> pl.DataFrame:
    """The Images table of a folder in this layout; the label is the species folder's name as it is.

    If any image lies two folders deep, the first folder is the category for all; otherwise
    there are no categories. Folders below the species are ignored. An image in no folder of a
    species has no label. What was left out (see `walk.walk`) has a row without a path.
    Raises ValueError naming the folder at fault.
    """
    listing = walk(folder, trusted)
    images = pl.concat([_make_rows(listing.files, "exact"), _make_rows(listing.outside, "outside_folder")])
    rows = pl.concat([images, list_left_out(listing)], how="diagonal")
    is_folder = pl.col("match_kind").is_in(list(NOT_ENTERED))
    path = pl.coalesce(
        "path", pl.col("listed_name") + pl.when(is_folder).then(pl.lit("/")).otherwise(pl.lit(""))
    )
    rows = rows.with_columns(folders=path.str.split("/").list.head(path.str.count_matches("/")))
    has_category = (rows.filter(match_kind="exact")["folders"].list.len() >= 2).any()
    first, second = (pl.col("folders").list.get(index, null_on_oob=True) for index in (0, 1))
    nothing = pl.lit(None, dtype=pl.String)
    category, label = (first, second) if has_category else (nothing, first)
    rows = rows.with_columns(category=category, raw_name=label)
    nameless = rows.filter(pl.col("raw_name").is_null())["path"].drop_nulls()
    if len(nameless):
        logger.warning("%d images lie in no folder of a species, such as %s", len(nameless), nameless[0])
    rows = join_captions(rows, read_captions(folder, captions_table, trusted))
    return build_images_table(rows, source_id, folder=folder, listing=listing, trusted=trusted)


def _make_rows(paths: Iterable[str], match_kind: str) -> pl.DataFrame:
    images = pl.Series([path for path in paths if is_image_name(path)], dtype=pl.String)
    nothing = pl.lit(None, dtype=pl.String)
    return pl.select(path=images, listed_name=nothing, match_kind=pl.lit(match_kind), base_folder=pl.lit(""))
