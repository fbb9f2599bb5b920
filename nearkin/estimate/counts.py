"""How many images a source holds, without opening one."""

import os
from pathlib import Path

import polars as pl

from nearkin.driver.config_types import SourceConfig, SyntheticConfig
from nearkin.sources.folder_tree import list_folders
from nearkin.sources.safe_paths import AnyPath
from nearkin.sources.walk import is_image_name
from nearkin.synthetic.inject import inject_faults
from nearkin.synthetic.records import clean_entries
from nearkin.synthetic.taxonomy import draw_taxonomy

PARQUET = b"PAR1"
"""First bytes of a Parquet file."""


def count_listed(images_path: str | Path) -> int:
    """How many image files an `images.parquet` lists."""
    paths = pl.scan_parquet(images_path, glob=False).select(pl.col("path").drop_nulls().n_unique())
    return paths.collect().item()


def count_images(source: SourceConfig, folder: AnyPath) -> int | None:
    """How many images a source holds; None if that is unknown because it is not downloaded yet.

    Counts rows where a table lists the images, otherwise names of files; duplicates and unreadable
    files are counted, too.
    """
    if source["layout"] == "synthetic":
        return _count_synthetic(source["synthetic"])
    if source["layout"] == "table" and "table" in source and Path(source["table"]).is_file():
        return _count_rows(source["table"])
    if not os.path.isdir(folder):
        return None
    folders = list_folders(folder, source.get("follow_links", ()))
    return sum(is_image_name(name) for inner in folders for name in inner.files)


def _count_synthetic(settings: SyntheticConfig) -> int:
    species = draw_taxonomy(settings["seed"], settings["n_species"], settings["largest_species"])
    entries = inject_faults(
        clean_entries(species, settings["seed"]), settings["fault_rate"], settings["seed"]
    )
    return sum(1 for entry in entries if entry.path)


def _count_rows(path: str) -> int:
    with open(path, "rb") as file:
        if file.read(len(PARQUET)) == PARQUET:
            return pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
        file.seek(0)
        blocks = iter(lambda: file.read(2**20), b"")
        return max(0, sum(block.count(b"\n") for block in blocks) - 1)
