"""Gives back the disk space of all pixel stores, `make clean-pixels`; what is finished stays finished."""

from pathlib import Path

from nearkin.images.pixel_cache import emptied


def clean_pixels(results_path):
    """How many stores were emptied, and how many bytes they held."""
    sizes = [emptied(path) for path in sorted(Path(results_path).glob("*/pixels/*/*.arrow"))]
    return sum(size > 0 for size in sizes), sum(sizes)


if __name__ == "__main__":
    n_stores, n_bytes = clean_pixels("results")
    print(f"{n_stores} pixel stores emptied, {n_bytes / 2**30:.1f} GiB given back")
