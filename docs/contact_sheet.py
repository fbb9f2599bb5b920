"""Draws docs/museum.jpg: a few species of the shipped study's synthetic dataset, two images of each.

Run by `make docs-figures`, after `make study`.
"""

from pathlib import Path

import polars as pl
from PIL import Image, ImageOps

RESULTS = Path("results/museum")
COLUMNS, ROWS, SIDE, GAP = 8, 3, 150, 6


def chosen():
    """Paths of two images of each of four species of each category, in rows by category."""
    labels = pl.read_parquet(RESULTS / "labels.parquet", glob=False).sort("category", "species", "uuid")
    for _, images in labels.group_by("category", maintain_order=True):
        frequent = images.group_by("species").len().filter(pl.col("len") > 8).sort("species")["species"]
        for species in frequent.gather_every(max(1, len(frequent) // 4))[: COLUMNS // 2]:
            yield from images.filter(species=species)["path"].gather_every(5)[:2]


def main():
    sheet = Image.new("RGB", (COLUMNS * (SIDE + GAP) + GAP, ROWS * (SIDE + GAP) + GAP), "white")
    for number, path in enumerate(chosen()):
        row, column = divmod(number, COLUMNS)
        with Image.open(RESULTS / "delivery" / path) as image:
            tile = ImageOps.fit(image.convert("RGB"), (SIDE, SIDE))
        sheet.paste(tile, (GAP + column * (SIDE + GAP), GAP + row * (SIDE + GAP)))
    sheet.save("docs/museum.jpg", quality=85)


if __name__ == "__main__":
    main()
