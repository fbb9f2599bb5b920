"""Images laid out like VLM4Bio: chunks of files, metadata tables, a captions table.

    datasets/<category>/chunk_<n>/<file>
    datasets/<category>/metadata/*.csv      fileNameAsDelivered, scientificName
    <captions table>                        image_path or image_name; caption, category, scientific_name

Source: VLM4Bio (Maruf et al. 2024), imageomics/VLM4Bio on Hugging Face
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from nearkin.sources import csv_reader
from nearkin.sources.assemble import build_images_table, list_left_out
from nearkin.sources.captions_table import join_captions, listed_names, read_captions
from nearkin.sources.file_matching import Matcher
from nearkin.sources.leaving import ESCAPE_PATTERN
from nearkin.sources.safe_paths import AnyPath
from nearkin.sources.walk import is_image_name, walk

logger = logging.getLogger(__name__)

FILE, NAME = "fileNameAsDelivered", "scientificName"


def list_images(
    folder: AnyPath,
    source_id: str,
    *,
    captions_table: str | None,
    unlisted: str,
    trusted: Iterable[AnyPath] = (),
) -> pl.DataFrame:
    """The Images table of a folder in this layout; `captions_table` is a file in it that may be absent.

    A row for each metadata row, for each image that only the captions table lists, and for
    each image file that no table lists, unless `unlisted` is "ignore", and for each linked folder that
    is not followed. Raises ValueError naming the folder or file at fault.
    """
    found = walk(folder, trusted)
    categories = sorted({path.split("/")[1] for path in found.files if path.startswith("datasets/")})
    if not categories:
        raise ValueError(f"{str(folder)!r}: no files in datasets/<category>/; is this the layout vlm4bio?")
    captions = read_captions(folder, captions_table, trusted)
    rows = pl.concat(_list_category(folder, category, found, captions) for category in categories)
    if unlisted == "ignore":
        rows = rows.filter(pl.col("match_kind") != "unlisted")
    of_path = pl.col("listed_name").str.extract(r"^datasets/([^/]+)")
    aside = list_left_out(found, files=unlisted == "quarantine").with_columns(category=of_path)
    rows = pl.concat([join_captions(rows, captions), aside], how="diagonal")
    return build_images_table(rows, source_id, folder=folder, found=found, trusted=trusted)


def _list_category(folder, category, found, captions):
    place = f"datasets/{category}/"
    of_tables = f"{place}metadata/"
    tables = [path for path in found.files if path.startswith(of_tables) and path.lower().endswith(".csv")]
    if not tables:
        logger.warning("no table, so only the captions table can name these images: %s", of_tables)
    links = [path for path in found.outside if path.startswith(place)]
    paths = [path for path in found.files if path.startswith(place) and not path.startswith(of_tables)]
    matcher = Matcher([*paths, *links])
    nothing = pl.DataFrame(schema={FILE: pl.String, NAME: pl.String})
    named = [csv_reader.read_csv(Path(folder, path), [FILE, NAME], free=NAME) for path in tables]
    named = pl.concat([nothing, *named]).rename({FILE: "listed_name", NAME: "raw_name"})
    named = named.join(
        matcher.find(named["listed_name"], matcher.exact(named["listed_name"])), on="listed_name"
    )
    more = _list_captioned_only(listed_names(captions, category), matcher, named)
    rows = pl.concat([named, more], how="diagonal")
    in_links = pl.col("path").is_in(links)
    rows = rows.with_columns(
        match_kind=pl.when(in_links).then(pl.lit("outside_folder")).otherwise("match_kind")
    )
    known = rows.select(_name_expr()).to_series()
    left = [path for path in paths if is_image_name(path)]
    unlisted = [_list_files_without_row(links, "outside_folder"), _list_files_without_row(left, "unlisted")]
    unlisted = pl.concat(unlisted).join(known.to_frame("path"), on="path", how="anti")
    return pl.concat([rows, unlisted], how="diagonal").with_columns(
        category=pl.lit(category), place=pl.lit(place)
    )


def _list_captioned_only(told_names, matcher, named):
    """Rows for images that the captions table lists and no metadata table."""
    none_claimed = pl.Series(dtype=pl.String)
    found = matcher.find(told_names["wanted"], none_claimed).rename({"listed_name": "wanted"})
    more = told_names.join(found, on="wanted").with_columns(name=_name_expr()).sort("wanted", "listed_name")
    more = more.unique("name", keep="first", maintain_order=True)
    more = more.join(named.select(name=_name_expr()), on="name", how="anti", maintain_order="left")
    leaving = pl.col("wanted").str.contains(ESCAPE_PATTERN)
    listed = pl.when(leaving).then("wanted").otherwise("listed_name")
    return more.select("path", "match_kind", listed_name=listed)


def _name_expr():
    return pl.coalesce("path", "listed_name")


def _list_files_without_row(paths, match):
    return pl.select(path=pl.Series(paths, dtype=pl.String), match_kind=pl.lit(match))
