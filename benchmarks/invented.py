"""An invented delivery of any size as tables: names, captions and hashes with faults, no files.

Species are as unevenly filled as in a museum; 5,600,000 rows have 324,000 of them. The same
number of rows gives the same tables.
"""

import numpy as np
import polars as pl

from nearkin.storage import tables
from nearkin.tables.images import THUMBNAIL_SIDE, VIEWS, Images, Inspection

IMAGES_PER_SPECIES = 5_600_000 / 324_000
SYLLABLES = [c + v for c in ("b", "c", "d", "f", "l", "m", "n", "p", "r", "s", "t", "v") for v in "aeiou"]
LOOKS = 4096
"""Different thumbnails, so that millions of rows take little disk."""

FAULTY = 0.1
"""Share of the names, and of the captions, that have a fault."""

STYLES = [
    lambda name: name.replace(" ", "_"),
    str.upper,
    lambda name: f" {name} ",
    lambda name: f"{name} (Linnaeus, 1758)",
    lambda name: f"{name} minor",
    lambda name: name[:-3] + name[-2:],
    lambda name: name.split(" ")[0],
    lambda name: name.replace(" ", " cf. "),
    lambda name: f"{name} x {name.split(' ')[1]}",
    lambda name: "nan",
]
CAPTIONS = [
    "N/A",
    "Error: CUDA out of memory",
    "<p>A small &amp; pale animal</p>",
    "An  animal\r\n on a leaf ",
    "Photo caf\u00c3\u00a9",
]


def write(folder, n_rows):
    """Write `images.parquet` and `inspection.parquet` of `n_rows` images into a folder."""
    random = np.random.default_rng(1)
    species = binomials(max(20, round(n_rows / IMAGES_PER_SPECIES)), random)
    weights = 1 / np.arange(1, len(species) + 1) ** 0.7
    drawn = random.choice(len(species), n_rows, p=weights / weights.sum())
    names = pl.Series(species, dtype=pl.String)
    variants = [pl.Series([style(name) for name in species], dtype=pl.String) for style in STYLES]
    style = np.where(random.random(n_rows) < FAULTY, random.integers(len(STYLES), size=n_rows), -1)
    label = names.gather(drawn)
    for number, variant in enumerate(variants):
        label = label.zip_with(pl.Series(style != number), variant.gather(drawn))
    caption = pl.select(pl.format("A small animal, number {}, on a leaf.", pl.int_range(n_rows))).to_series()
    kind = pl.Series(
        np.where(random.random(n_rows) < FAULTY, random.integers(len(CAPTIONS), size=n_rows), -1)
    )
    for number, text in enumerate(CAPTIONS):
        caption = caption.zip_with(
            kind != number, pl.Series([text], dtype=pl.String).new_from_index(0, n_rows)
        )
    path = pl.select(
        pl.format("datasets/all/chunk_{}/{}.jpg", pl.int_range(n_rows) // 10_000, pl.int_range(n_rows))
    ).to_series()
    uuid = pl.Series(_hexadecimal(random.bytes(16 * n_rows), 16)).str.replace(
        r"(.{8})(.{4})(.{4})(.{4})(.{12})", "$1-$2-$3-$4-$5"
    )
    images = pl.DataFrame(
        {"uuid": uuid, "path": path, "listed_name": path, "label": label, "caption": caption}
    )
    constant = {
        "row_index": pl.lit(0, pl.Int32),
        "match_kind": pl.lit("exact"),
        "category": pl.lit(None, pl.String),
    }
    empty = {name: pl.lit(None, pl.String) for name in Images.column_names() if name not in images.columns}
    tables.write(images.with_columns(**(empty | constant)), folder / "images.parquet", Images)
    hashes, look = _hashes(n_rows, random)
    looks = pl.Series([random.bytes(THUMBNAIL_SIDE**2) for _ in range(LOOKS)], dtype=pl.Binary)
    coarse = pl.Series(_hexadecimal(hashes.byteswap().tobytes(), 8), dtype=pl.String)
    inspection = pl.DataFrame(
        {
            "uuid": uuid,
            "path": path,
            "sha256": uuid.str.replace_all("-", ""),
            "dhash": coarse,
            "dhash_of_views": np.repeat(hashes[:, None], len(VIEWS), axis=1),
            "thumbnail": looks.gather(look % LOOKS),
        },
        schema_overrides={"dhash_of_views": pl.Array(pl.UInt64, len(VIEWS))},
    )
    constant = {"format": pl.lit("JPEG"), "mode": pl.lit("RGB"), "n_bytes": pl.lit(1, pl.Int64)}
    constant |= {name: pl.lit(256, pl.Int32) for name in ("width", "height")}
    types = {name: column.dtype for name, column in Inspection.columns().items()}
    empty = {name: pl.lit(None, kind) for name, kind in types.items() if name not in inspection.columns}
    tables.write(inspection.with_columns(**(empty | constant)), folder / "inspection.parquet", Inspection)


def _hashes(n_rows, random):
    """64-bit hashes and a number for the look: every fiftieth image is a near duplicate.

    It is up to three bits off the one before it, and looks the same.
    """
    hashes, look = random.integers(2**64, size=n_rows, dtype=np.uint64), np.arange(n_rows)
    at = np.arange(1, n_rows, 50)
    bits = np.left_shift(np.uint64(1), random.integers(64, size=(3, len(at)), dtype=np.uint64))
    hashes[at], look[at] = hashes[at - 1] ^ np.bitwise_or.reduce(bits, axis=0), look[at - 1]
    return hashes, look


def binomials(n, random):
    """`n` different invented names of species, about twelve to a genus."""
    found = {}
    while len(found) < n:
        genus = _words(random, 1 + (n - len(found)) // 12, 3)
        epithets = _words(random, n, 4)
        found |= dict.fromkeys(f"{genus[i % len(genus)].capitalize()}us {epithets[i]}" for i in range(n))
    return list(found)[:n]


def _words(random, n, length):
    letters = random.integers(len(SYLLABLES), size=(n, length))
    return ["".join(SYLLABLES[syllable] for syllable in word) for word in letters]


def _hexadecimal(data, width):
    text = data.hex()
    return [text[start : start + 2 * width] for start in range(0, len(text), 2 * width)]
