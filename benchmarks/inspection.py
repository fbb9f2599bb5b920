"""Inspection compared with plain decoding of the same files by the same library, on one thread.

    PYTHONPATH=. .venv/bin/python benchmarks/inspection.py

Takes the photos of a delivery if it exists, otherwise a synthetic dataset, and large JPEGs made from them.
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

from benchmarks.report import format_table, publish
from nearkin.images.inspect import inspect_files
from nearkin.synthetic.write_delivery import write_delivery
from nearkin.tables.images import Images, Inspection

SPECIMENS = Path(__file__).parents[2] / "shared/data/specimens"
SYNTHETIC = {"seed": 1, "n_species": 24, "largest_species": 20, "image_size": 256, "fault_rate": 0.0}
QUICK = SYNTHETIC | {"n_species": 9, "largest_species": 3, "image_size": 96}
MEGAPIXELS = (6, 12)
N_LARGE = 6
TURN_FILES = 400
"""Number of files after which the two methods take turns, so that other load on the machine slows both."""


def decode(paths):
    for path in paths:
        with Image.open(path) as image:
            image.load()
            image.convert("RGB")


def inspect(paths):
    folder = os.path.commonpath([path.parent for path in paths])
    rows = [
        {"uuid": str(path), "path": os.path.relpath(path, folder), "match_kind": "exact"} for path in paths
    ]
    images = pl.DataFrame(rows, schema={name: column.dtype for name, column in Images.columns().items()})
    inspect_files(images, folder, max_megapixels=100, earlier=Inspection.create_empty())


def time_method(method, paths):
    start = time.process_time()
    method(paths)
    return time.process_time() - start


def measure(paths, repeats):
    """Medians over the repeats: files per processor second of each method, and their ratio."""
    seconds = {decode: [], inspect: []}
    for _ in range(repeats):
        for sums in seconds.values():
            sums.append(0.0)
        for start in range(0, len(paths), TURN_FILES):
            for method, sums in seconds.items():
                sums[-1] += time_method(method, paths[start : start + TURN_FILES])
    decoding, inspecting = (statistics.median(sums) for sums in seconds.values())
    return {
        "files": len(paths),
        "bare_per_second": len(paths) / decoding,
        "inspected_per_second": len(paths) / inspecting,
        "speed": decoding / inspecting,
    }


def select_readable(paths):
    def is_readable(path):
        try:
            decode([path])
        except (OSError, Image.DecompressionBombError):
            return False
        return True

    return [path for path in paths if is_readable(path)]


def enlarge(paths, folder, megapixels):
    """The paths of large JPEGs made from some images."""
    large_paths = []
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            factor = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
            size = round(image.width * factor), round(image.height * factor)
            large = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        large_paths.append(folder / f"{megapixels}-{number}.jpg")
        large.save(large_paths[-1], quality=90)
    return large_paths


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a few synthetic images once; only prints")
    options = parser.parse_args()
    repeats, synthetic = (1, QUICK) if options.quick else (options.repeats, SYNTHETIC)
    logging.disable()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = SPECIMENS
        if options.quick or not source.is_dir():
            source = folder / "museum"
            write_delivery(source, **synthetic, n_workers=1)
        small = select_readable(sorted(source.glob("datasets/*/chunk_*/*")))
        results = {"photos as delivered": measure(small, repeats)}
        for megapixels in MEGAPIXELS:
            large = enlarge(small[:: len(small) // N_LARGE][:N_LARGE], folder, megapixels)
            results[f"JPEGs of {megapixels} megapixels"] = measure(large, repeats)
    rows = [
        [kind, result["files"], f"{result['bare_per_second']:,.0f}", f"{result['inspected_per_second']:,.0f}",
         f"{result['speed']:.0%}"]
        for kind, result in results.items()
    ]  # fmt: skip
    header = ["", "files", "bare, files/s", "inspected, files/s", "inspected / bare"]
    if options.quick:
        print(format_table(header, rows))
        return
    publish("inspection", {"repeats": repeats, "results": results}, header, rows)


if __name__ == "__main__":
    main()
