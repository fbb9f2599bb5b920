"""Images laid out like VLM4Bio: chunks of files, metadata tables, a captions table.

    datasets/<category>/chunk_<n>/<file>
    datasets/<category>/metadata/*.csv      fileNameAsDelivered, scientificName
    <captions table>                        image_path or image_name; caption, category, scientific_name

Source: VLM4Bio (Maruf et al. 2024), imageomics/VLM4Bio on Hugging Face
"""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from nearkin.sources import csv_reader
from nearkin.sources.assemble import build_images_table, list_left_out
from nearkin.sources.captions_table import join_captions, listed_names, read_captions
from nearkin.sources.file_matching import Matcher
from nearkin.sources.safe_paths import ESCAPE_PATTERN, AnyPath
from nearkin.sources.walk import FolderListing, is_image_name, walk

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

    There is a row for each metadata row, for each image that only the captions table lists, for
    each image file that no table lists, unless `unlisted` is "ignore", and for each linked folder that
    is not followed. Raises ValueError naming the folder or file at fault.
    """
    listing = walk(folder, trusted)
    categories = sorted({path.split("/")[1] for path in listing.files if path.startswith("datasets/")})
    if not categories:
        raise ValueError(f"{str(folder)!r}: no files in datasets/<category>/; is this the layout vlm4bio?")
    captions = read_captions(folder, captions_table, trusted)
    rows = pl.concat(_list_category(folder, category, listing, captions) for category in categories)
    if unlisted == "ignore":
        rows = rows.filter(pl.col("match_kind") != "unlisted")
    of_path = pl.col("listed_name").str.extract(r"^datasets/([^/]+)")
    left_out = list_left_out(listing, files=unlisted == "quarantine").with_columns(category=of_path)
    rows = pl.concat([join_captions(rows, captions), left_out], how="diagonal")
    return build_images_table(rows, source_id, folder=folder, listing=listing, trusted=trusted)


def _list_category(
    folder: AnyPath, category: str, listing: FolderListing, captions: pl.DataFrame
) -> pl.DataFrame:
    """Rows for the images of a category."""
    base = f"datasets/{category}/"
    metadata = f"{base}metadata/"
    tables = [path for path in listing.files if path.startswith(metadata) and path.lower().endswith(".csv")]
    if not tables:
        logger.warning("no table, so only the captions table can name these images: %s", metadata)
    links = [path for path in listing.outside if path.startswith(base)]
    paths = [path for path in listing.files if path.startswith(base) and not path.startswith(metadata)]
    matcher = Matcher([*paths, *links])
    nothing = pl.DataFrame(schema={FILE: pl.String, NAME: pl.String})
    frames = [csv_reader.read_csv(Path(folder, path), [FILE, NAME], overflow_column=NAME) for path in tables]
    named = pl.concat([nothing, *frames]).rename({FILE: "listed_name", NAME: "raw_name"})
    named = named.join(
        matcher.find(named["listed_name"], matcher.exact(named["listed_name"])), on="listed_name"
    )
    more = _list_captioned_only(listed_names(captions, category), matcher, named)
    rows = pl.concat([named, more], how="diagonal")
    in_links = pl.col("path").is_in(links)
    rows = rows.with_columns(
        match_kind=pl.when(in_links).then(pl.lit("outside_folder")).otherwise("match_kind")
    )
    known = rows.select(path=_name_expr())
    images = [path for path in paths if is_image_name(path)]
    unlisted = pl.concat([_make_rows(links, "outside_folder"), _make_rows(images, "unlisted")])
    unlisted = unlisted.join(known, on="path", how="anti")
    return pl.concat([rows, unlisted], how="diagonal").with_columns(
        category=pl.lit(category), base_folder=pl.lit(base)
    )


def _list_captioned_only(names: pl.DataFrame, matcher: Matcher, named: pl.DataFrame) -> pl.DataFrame:
    """Rows for images that the captions table lists and no metadata table."""
    none_claimed = pl.Series(dtype=pl.String)
    files = matcher.find(names["lookup_name"], none_claimed).rename({"listed_name": "lookup_name"})
    more = names.join(files, on="lookup_name").with_columns(name=_name_expr())
    more = more.sort("lookup_name", "listed_name").unique("name", keep="first", maintain_order=True)
    more = more.join(named.select(name=_name_expr()), on="name", how="anti", maintain_order="left")
    is_escaping = pl.col("lookup_name").str.contains(ESCAPE_PATTERN)
    listed = pl.when(is_escaping).then("lookup_name").otherwise("listed_name")
    return more.select("path", "match_kind", listed_name=listed)


def _name_expr() -> pl.Expr:
    return pl.coalesce("path", "listed_name")


def _make_rows(paths: Sequence[str], match_kind: str) -> pl.DataFrame:
    return pl.select(path=pl.Series(paths, dtype=pl.String), match_kind=pl.lit(match_kind))
