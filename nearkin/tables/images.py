"""What was delivered, and what was found in the files."""

import dataframely as dy

from nearkin.tables.fields import uuid_key


class Images(dy.Schema):
    """One row per delivered row: an image file, a listed name, or both."""

    uuid = uuid_key()
    row = dy.Int32(
        primary_key=True, min=0, description="0 for the first row of this image, 1 for a further one"
    )
    path = dy.String(nullable=True, description="file on disk, relative to the source; null if missing")
    listed = dy.String(nullable=True, description="file name as listed; null if the file is in no table")
    match = dy.String(
        check=lambda column: column.is_in(
            ["exact", "extension", "case", "unicode", "missing", "unlisted", "ambiguous", "outside"]
        ),
        description="how the listed name was matched to the file",
    )
    category = dy.String(description="the dataset's own coarse group, as delivered")
    label = dy.String(nullable=True, description="scientific name as delivered, untouched")
    caption_name = dy.String(nullable=True, description="scientific name in the captions table, untouched")
    caption = dy.String(nullable=True, description="caption as delivered, untouched")
    specimen = dy.String(nullable=True, description="specimen as delivered, where the source says it")


class Inspection(dy.Schema):
    """One row per image file: can it be read, and what is in it."""

    uuid = uuid_key()
    path = dy.String(description="file on disk, relative to the source")
    problem = dy.String(nullable=True, description="why it cannot be used; null if it can")
    detail = dy.String(nullable=True, description="what exactly was found")
    format = dy.String(nullable=True, description="file format by content, such as JPEG")
    mode = dy.String(nullable=True, description="pixel mode, such as RGB or CMYK")
    width = dy.Int32(nullable=True, description="pixels, after turning by EXIF")
    height = dy.Int32(nullable=True, description="pixels, after turning by EXIF")
    n_bytes = dy.Int64(min=0, description="size of the file")
    sha256 = dy.String(description="of the file's bytes, hexadecimal")
    coarse_hash = dy.String(nullable=True, regex="^[0-9a-f]{16}$", description="8 x 8 difference hash")
    fine_hash = dy.String(nullable=True, regex="^[0-9a-f]{64}$", description="16 x 16 difference hash")
    colours = dy.String(
        nullable=True, regex="^[0-9a-f]{96}$", description="mean RGB of 4 x 4 tiles, hexadecimal"
    )
