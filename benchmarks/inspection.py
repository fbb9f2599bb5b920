"""Inspection beside the bare decoding of the same files by the same library, on one thread.

    PYTHONPATH=. .venv/bin/python benchmarks/inspection.py

Takes the photos of a delivery if there is one, else a synthetic dataset, and large JPEGs made of them.
"""

import argparse
import logging
import os
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import polars as pl
from PIL import Image

from benchmarks.report import publish, table
from nearkin.images.inspect import inspect_files
from nearkin.synthetic.write_delivery import write_delivery
from nearkin.tables.images import Images, Inspection

SPECIMENS = Path(__file__).parents[2] / "shared/data/specimens"
MUSEUM = {"seed": 1, "n_species": 24, "largest_species": 20, "image_size": 256, "fault_rate": 0.0}
QUICK = MUSEUM | {"n_species": 9, "largest_species": 3, "image_size": 96}
MEGAPIXELS = (6, 12)
N_LARGE = 6
AT_ONCE = 400
"""Files after which the ways take turns, so that whatever else the machine does slows both."""


def bare(paths):
    for path in paths:
        with Image.open(path) as image:
            image.load()
            image.convert("RGB")


def ours(paths):
    folder = os.path.commonpath([path.parent for path in paths])
    rows = [
        {"uuid": str(path), "path": os.path.relpath(path, folder), "match_kind": "exact"} for path in paths
    ]
    images = pl.DataFrame(rows, schema={name: column.dtype for name, column in Images.columns().items()})
    inspect_files(images, folder, max_megapixels=100, earlier=Inspection.create_empty())


def seconds(way, paths):
    start = time.process_time()
    way(paths)
    return time.process_time() - start


def measure(paths, repeats):
    """Medians of the repeats: processor seconds of either way over all files, and their ratio."""
    sums = {bare: [], ours: []}
    for _ in range(repeats):
        for way in sums:
            sums[way].append(0.0)
        for start in range(0, len(paths), AT_ONCE):
            for way, totals in sums.items():
                totals[-1] += seconds(way, paths[start : start + AT_ONCE])
    decoding, inspecting = (statistics.median(totals) for totals in sums.values())
    return {
        "files": len(paths),
        "bare_per_second": len(paths) / decoding,
        "inspected_per_second": len(paths) / inspecting,
        "speed": decoding / inspecting,
    }


def readable(paths):
    def can_be_read(path):
        try:
            bare([path])
        except (OSError, Image.DecompressionBombError):
            return False
        return True

    return [path for path in paths if can_be_read(path)]


def enlarged(paths, folder, megapixels):
    """Large JPEGs of some images."""
    made = []
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            factor = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
            size = round(image.width * factor), round(image.height * factor)
            large = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        made.append(folder / f"{megapixels}-{number}.jpg")
        large.save(made[-1], quality=90)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a few drawn images once; only prints")
    options = parser.parse_args()
    repeats, museum = (1, QUICK) if options.quick else (options.repeats, MUSEUM)
    logging.disable()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = SPECIMENS
        if options.quick or not source.is_dir():
            source = folder / "museum"
            write_delivery(source, **museum, n_workers=1)
        small = readable(sorted(source.glob("datasets/*/chunk_*/*")))
        results = {"photos as delivered": measure(small, repeats)}
        for megapixels in MEGAPIXELS:
            large = enlarged(small[:: len(small) // N_LARGE][:N_LARGE], folder, megapixels)
            results[f"JPEGs of {megapixels} megapixels"] = measure(large, repeats)
    rows = [
        [kind, found["files"], *(f"{found[key]:,.0f}" for key in ("bare_per_second", "inspected_per_second")),
         f"{found['speed']:.0%}"]
        for kind, found in results.items()
    ]  # fmt: skip
    header = ["", "files", "bare, files/s", "inspected, files/s", "inspected / bare"]
    if options.quick:
        print(table(header, rows))
        return
    publish("inspection", {"repeats": repeats, "found": results}, header, rows)


if __name__ == "__main__":
    main()
