"""Time and memory of embedding by number of images, with an encoder that computes almost nothing.

    PYTHONPATH=. .venv/bin/python benchmarks/scaling_images.py
    PYTHONPATH=. .venv/bin/python benchmarks/scaling_images.py --images 1000 2000

With --images it only prints.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import curves, peers_runner, synthetic_images
from benchmarks.embedding import run_method
from benchmarks.report import format_table, publish

HERE = Path(__file__).parent
SIZES = [1_000, 10_000, 30_000, 100_000]


def measure_size(n):
    """The record of one run."""
    paths = synthetic_images.write_small(peers_runner.CACHE / "small", n)
    with tempfile.TemporaryDirectory(dir=peers_runner.CACHE) as name:
        photos = Path(name, "photos")
        photos.mkdir()
        for path in paths:
            (photos / path.name).hardlink_to(path)
        record = run_method("many", [], None, photos, Path(name, "vectors.npy"))
    return {"method": "nearkin", "n": n, "seconds": record["seconds"], "megabytes": record["peak"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, nargs="+", help="only these sizes; prints, writes nothing")
    parser.add_argument("--quick", action="store_true", help="a few images; only prints")
    options = parser.parse_args()
    sizes = options.images or ([64] if options.quick else SIZES)
    records = [measure_size(n) for n in sizes]
    header = ["images", "s", "peak memory, MB"]
    rows = [
        [f"{record['n']:,}", f"{record['seconds']:.1f}", f"{record['megabytes']:,.0f}"] for record in records
    ]
    if sizes != SIZES:
        print(format_table(header, rows))
        return
    curves.plot_costs(records, HERE / "embedding.png", xlabel="images", memory_label="peak memory (MB)")
    publish("scaling_images", {"threads": peers_runner.THREADS, "records": records}, header, rows)


if __name__ == "__main__":
    sys.exit(main())
