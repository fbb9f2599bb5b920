"""Delivered images and their rows, and the contents of the files."""

import dataframely as dy

from nearkin.tables.columns import uuid_key

THUMBNAIL_SIDE = 32
"""Pixels of a thumbnail's side, whatever the shape of the image."""

VIEWS = (
    "middle",
    "crop_left",
    "crop_top",
    "crop_right",
    "crop_bottom",
    "mirrored",
    "rotated_90",
    "rotated_180",
)
"""The parts and orientations of an image that another one may show: see nearkin/images/dhash.py."""


class Images(dy.Schema):
    """One row per delivered row: an image file, a listed name, or both."""

    uuid = uuid_key()
    row_index = dy.Int32(
        primary_key=True, min=0, description="0 for the first row of this image, 1 for a further one"
    )
    path = dy.String(nullable=True, description="file on disk, relative to the source; null if missing")
    listed_name = dy.String(nullable=True, description="file name as listed; null if the file is in no table")
    match_kind = dy.String(
        check=lambda column: column.is_in(
            ["exact", "extension", "case", "unicode", "missing", "unlisted", "ambiguous", "outside_folder"]
            + ["linked_folder", "repeated_folder", "broken_link", "not_a_file"]
        ),
        description="how the listed name was matched to the file, or why what was found is no image file",
    )
    category = dy.String(nullable=True, description="the dataset's own coarse group, as delivered")
    raw_name = dy.String(nullable=True, description="scientific name as delivered, untouched")
    raw_name_in_captions = dy.String(
        nullable=True, description="scientific name in the captions table, untouched"
    )
    common_name = dy.String(nullable=True, description="common name as delivered")
    kingdom = dy.String(nullable=True, description="as delivered")
    phylum = dy.String(nullable=True, description="as delivered")
    class_ = dy.String(alias="class", nullable=True, description="as delivered")
    order = dy.String(nullable=True, description="as delivered")
    family = dy.String(nullable=True, description="as delivered")
    genus = dy.String(nullable=True, description="as delivered, if it has a column of its own")
    caption = dy.String(nullable=True, description="caption as delivered, untouched")
    sidecar_caption = dy.String(
        nullable=True, description="text of the .txt file next to the image, untouched"
    )
    specimen = dy.String(nullable=True, description="specimen as delivered, if the source has it")
    split = dy.String(nullable=True, description="split as delivered, if the source has it")


class Inspection(dy.Schema):
    """One row per image file: whether it can be read, and what is in it."""

    uuid = uuid_key()
    path = dy.String(description="file on disk, relative to the source")
    error = dy.String(nullable=True, description="why it cannot be used; null if it can")
    detail = dy.String(nullable=True, description="details of the error")
    format = dy.String(nullable=True, description="file format by content, such as JPEG")
    mode = dy.String(nullable=True, description="pixel mode, such as RGB or CMYK")
    width = dy.Int32(nullable=True, description="pixels, after turning by EXIF")
    height = dy.Int32(nullable=True, description="pixels, after turning by EXIF")
    exif_orientation = dy.Int8(nullable=True, min=1, max=8, description="EXIF orientation; null if not given")
    n_bytes = dy.Int64(min=0, description="size of the file")
    sha256 = dy.String(description="of the file's bytes, hexadecimal")
    dhash = dy.String(nullable=True, regex="^[0-9a-f]{16}$", description="8 x 8 difference hash")
    dhash_of_views = dy.Array(
        dy.UInt64(description="8 x 8 difference hash"),
        shape=len(VIEWS),
        nullable=True,
        description=f"of its views: {', '.join(VIEWS)}",
    )
    thumbnail = dy.Binary(
        nullable=True,
        check=lambda column: column.bin.size() == THUMBNAIL_SIDE**2,
        description="32 x 32 grey values, row by row",
    )
