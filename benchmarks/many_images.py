"""How time and memory of embedding grow with the number of images, the encoder computing next to nothing.

    PYTHONPATH=. .venv/bin/python benchmarks/many_images.py
    PYTHONPATH=. .venv/bin/python benchmarks/many_images.py --images 1000 2000

With --images it only prints.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import beside, curves, drawn
from benchmarks.embedding import ask
from benchmarks.report import publish, table

HERE = Path(__file__).parent
SIZES = [1_000, 10_000, 30_000, 100_000]


def embedded(n):
    """A record of one run."""
    paths = drawn.small(beside.CACHE / "small", n)
    with tempfile.TemporaryDirectory(dir=beside.CACHE) as name:
        photos = Path(name, "photos")
        photos.mkdir()
        for path in paths:
            (photos / path.name).hardlink_to(path)
        found = ask("many", [], None, photos, Path(name, "vectors.npy"))
    return {"way": "nearkin", "n": n, "seconds": found["seconds"], "megabytes": found["peak"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, nargs="+", help="only so many; prints, writes nothing")
    parser.add_argument("--quick", action="store_true", help="a few images; only prints")
    options = parser.parse_args()
    sizes = options.images or ([64] if options.quick else SIZES)
    found = [embedded(n) for n in sizes]
    header = ["images", "s", "peak memory, MB"]
    rows = [[f"{one['n']:,}", f"{one['seconds']:.1f}", f"{one['megabytes']:,.0f}"] for one in found]
    if sizes != SIZES:
        print(table(header, rows))
        return
    curves.draw(found, HERE / "embedding.png", xlabel="images", memory="peak memory (MB)")
    publish("many_images", {"threads": beside.THREADS, "found": found}, header, rows)


if __name__ == "__main__":
    sys.exit(main())
