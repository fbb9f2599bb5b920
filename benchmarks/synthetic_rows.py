"""The tables of a synthetic delivery of any size: names, captions and hashes with faults, no files.

Species have a long-tailed number of images, as in a museum; 5,600,000 rows have 324,000 species.
The same number of rows gives the same tables.
"""

import numpy as np
import polars as pl

from nearkin.storage import tables
from nearkin.tables.images import THUMBNAIL_SIDE, VIEWS, Images, Inspection

IMAGES_PER_SPECIES = 5_600_000 / 324_000
SYLLABLES = [c + v for c in ("b", "c", "d", "f", "l", "m", "n", "p", "r", "s", "t", "v") for v in "aeiou"]
N_THUMBNAILS = 4096
"""Distinct thumbnails; so few that millions of rows take little disk."""

FAULT_SHARE = 0.1
"""Share of the names, and of the captions, that have a fault."""

NAME_FAULTS = [
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
CAPTION_FAULTS = [
    "N/A",
    "Error: CUDA out of memory",
    "<p>A small &amp; pale animal</p>",
    "An  animal\r\n on a leaf ",
    "Photo caf\u00c3\u00a9",
]


def write_tables(folder, n_rows):
    """Write `images.parquet` and `inspection.parquet` of `n_rows` images into a folder."""
    rng = np.random.default_rng(1)
    species = make_binomials(max(20, round(n_rows / IMAGES_PER_SPECIES)), rng)
    weights = 1 / np.arange(1, len(species) + 1) ** 0.7
    species_index = rng.choice(len(species), n_rows, p=weights / weights.sum())
    names = pl.Series(species, dtype=pl.String)
    faulty_names = [pl.Series([fault(name) for name in species], dtype=pl.String) for fault in NAME_FAULTS]
    fault = np.where(rng.random(n_rows) < FAULT_SHARE, rng.integers(len(NAME_FAULTS), size=n_rows), -1)
    raw_name = names.gather(species_index)
    for number, faulty in enumerate(faulty_names):
        raw_name = raw_name.zip_with(pl.Series(fault != number), faulty.gather(species_index))
    caption = pl.select(pl.format("A small animal, number {}, on a leaf.", pl.int_range(n_rows))).to_series()
    fault = pl.Series(
        np.where(rng.random(n_rows) < FAULT_SHARE, rng.integers(len(CAPTION_FAULTS), size=n_rows), -1)
    )
    for number, text in enumerate(CAPTION_FAULTS):
        caption = caption.zip_with(
            fault != number, pl.Series([text], dtype=pl.String).new_from_index(0, n_rows)
        )
    path = pl.select(
        pl.format("datasets/all/chunk_{}/{}.jpg", pl.int_range(n_rows) // 10_000, pl.int_range(n_rows))
    ).to_series()
    uuid = pl.Series(_split_hex(rng.bytes(16 * n_rows), 16)).str.replace(
        r"(.{8})(.{4})(.{4})(.{4})(.{12})", "$1-$2-$3-$4-$5"
    )
    images = pl.DataFrame(
        {"uuid": uuid, "path": path, "listed_name": path, "raw_name": raw_name, "caption": caption}
    )
    constant = {
        "row_index": pl.lit(0, pl.Int32),
        "match_kind": pl.lit("exact"),
        "category": pl.lit(None, pl.String),
    }
    empty = {name: pl.lit(None, pl.String) for name in Images.column_names() if name not in images.columns}
    tables.write(images.with_columns(**(empty | constant)), folder / "images.parquet", Images)
    hashes, thumbnail_index = _make_hashes(n_rows, rng)
    thumbnails = pl.Series([rng.bytes(THUMBNAIL_SIDE**2) for _ in range(N_THUMBNAILS)], dtype=pl.Binary)
    dhash = pl.Series(_split_hex(hashes.byteswap().tobytes(), 8), dtype=pl.String)
    inspection = pl.DataFrame(
        {
            "uuid": uuid,
            "path": path,
            "sha256": uuid.str.replace_all("-", ""),
            "dhash": dhash,
            "dhash_of_views": np.repeat(hashes[:, None], len(VIEWS), axis=1),
            "thumbnail": thumbnails.gather(thumbnail_index % N_THUMBNAILS),
        },
        schema_overrides={"dhash_of_views": pl.Array(pl.UInt64, len(VIEWS))},
    )
    constant = {"format": pl.lit("JPEG"), "mode": pl.lit("RGB"), "n_bytes": pl.lit(1, pl.Int64)}
    constant |= {name: pl.lit(256, pl.Int32) for name in ("width", "height")}
    types = {name: column.dtype for name, column in Inspection.columns().items()}
    empty = {name: pl.lit(None, dtype) for name, dtype in types.items() if name not in inspection.columns}
    tables.write(inspection.with_columns(**(empty | constant)), folder / "inspection.parquet", Inspection)


def _make_hashes(n_rows, rng):
    """64-bit hashes and indices of thumbnails: every fiftieth image is a near duplicate.

    It differs from the previous one in up to three bits, and has the same thumbnail.
    """
    hashes, thumbnail_index = rng.integers(2**64, size=n_rows, dtype=np.uint64), np.arange(n_rows)
    rows = np.arange(1, n_rows, 50)
    bits = np.left_shift(np.uint64(1), rng.integers(64, size=(3, len(rows)), dtype=np.uint64))
    hashes[rows] = hashes[rows - 1] ^ np.bitwise_or.reduce(bits, axis=0)
    thumbnail_index[rows] = thumbnail_index[rows - 1]
    return hashes, thumbnail_index


def make_binomials(n, rng):
    """`n` distinct synthetic species names, about twelve per genus."""
    names = {}
    while len(names) < n:
        genera = _make_words(rng, 1 + (n - len(names)) // 12, 3)
        epithets = _make_words(rng, n, 4)
        names |= dict.fromkeys(f"{genera[i % len(genera)].capitalize()}us {epithets[i]}" for i in range(n))
    return list(names)[:n]


def _make_words(rng, n, length):
    letters = rng.integers(len(SYLLABLES), size=(n, length))
    return ["".join(SYLLABLES[syllable] for syllable in word) for word in letters]


def _split_hex(data, width):
    text = data.hex()
    return [text[start : start + 2 * width] for start in range(0, len(text), 2 * width)]
