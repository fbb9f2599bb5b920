"""How many images a source holds, without opening one."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import polars as pl

from nearkin.sources.folder_tree import list_folders
from nearkin.sources.safe_paths import AnyPath
from nearkin.sources.walk import is_image_name
from nearkin.synthetic.inject import with_faults
from nearkin.synthetic.records import clean_entries
from nearkin.synthetic.taxonomy import taxonomy

PARQUET = b"PAR1"


def entries_of(museum):
    """The pictures of a drawn museum, as its config says."""
    species = taxonomy(museum["seed"], museum["n_species"], museum["largest_species"])
    entries = with_faults(clean_entries(species, museum["seed"]), museum["fault_rate"], museum["seed"])
    return [one for one in entries if one.path]


def n_listed(images_path):
    """How many image files an `images.parquet` lists."""
    paths = pl.scan_parquet(images_path, glob=False).select(pl.col("path").drop_nulls().n_unique())
    return paths.collect().item()


def n_images(source, folder):
    """How many images a source holds; None if nobody can know it yet, for it is still to be downloaded.

    `source` is its entry in a settled config. Counts rows where a table lists them, names of
    files else; what turns out to be a duplicate or unreadable is counted, too.
    """
    if source["layout"] == "museum":
        return len(entries_of(source["museum"]))
    if source["layout"] == "table" and Path(source["table"]).is_file():
        return _n_rows(source["table"])
    if not os.path.isdir(folder):
        return None
    return sum(1 for _ in image_files(folder, source.get("follow_links", ())))


def image_files(folder: AnyPath, trusted: Iterable[AnyPath] = ()) -> Iterator[str]:
    """Paths of the image files below a folder, relative to it; none that is hidden."""
    for place in list_folders(folder, trusted):
        for name in place.files:
            if is_image_name(name):
                yield os.path.join(place.path, name)


def sample(folder: AnyPath, n: int, trusted: Iterable[AnyPath] = ()) -> list[str]:
    """`n` of the image files below a folder, spread over the first few thousand; fewer if there are fewer.

    Names that are no text are passed over.
    """
    paths = sorted(path for path in islice(image_files(folder, trusted), 100 * n) if path.isprintable())
    return paths[:: max(1, len(paths) // n)][:n]


def _n_rows(path):
    with open(path, "rb") as file:
        if file.read(len(PARQUET)) == PARQUET:
            return pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
        file.seek(0)
        blocks = iter(lambda: file.read(2**20), b"")
        return max(0, sum(block.count(b"\n") for block in blocks) - 1)
