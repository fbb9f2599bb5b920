"""The search scripts write the same file for any number of chunks, shards and threads."""

import polars as pl
import pytest
import torch

from nearkin.embeddings import shard_files
from nearkin.embeddings.shard_index import write_index
from nearkin.storage import tables
from nearkin.tables.neighbours import Neighbours
from nearkin.tables.splits import Splits
from scripts.join_neighbours import join_neighbours
from scripts.search_neighbours import search_neighbours
from tests.factories import random_study

PROTOCOLS = ["leave_one_out", "train_gallery", "unseen_species"]


@pytest.fixture
def study(tmp_path):
    """The paths of the embeddings, in one shard and in three, and of the splits."""
    _, splits = random_study.study(1)
    splits = splits.sort("uuid").with_columns(pl.lit(None, dtype=pl.String).alias("evidence"))
    tables.write(splits, tmp_path / "splits.parquet", Splits)
    vectors = random_study.vectors(1, len(splits), levels=3)
    shards = {"whole": [range(len(splits))], "split": [range(i, len(splits), 3) for i in range(3)]}
    paths = {name: [] for name in shards}
    for name, parts in shards.items():
        for rows in parts:
            path = tmp_path / f"{name}{len(paths[name])}.parquet"
            shard_files.write_shard(
                [random_study.embedded(splits["uuid"].gather(list(rows)), vectors[rows])], path, width=8
            )
            paths[name].append(path)
    return paths, tmp_path / "splits.parquet"


def run_search(tmp_path, embeddings, splits, *, n_chunks, threads):
    folder, shards = tmp_path / f"{n_chunks} {threads} {len(embeddings)}", tmp_path / "shards.json"
    write_index(embeddings, shards)
    chunks = [folder / f"{chunk}.parquet" for chunk in range(n_chunks)]
    for chunk, path in enumerate(chunks):
        search_neighbours(
            shards,
            splits,
            path,
            protocols=PROTOCOLS,
            depth=20,
            exclude_same_group=True,
            chunk=chunk,
            n_chunks=n_chunks,
            threads=threads,
            metadata={"dataset": "d", "model": "m"},
        )
    join_neighbours(chunks, folder / "neighbours.parquet")
    return folder / "neighbours.parquet"


def test_chunks_shards_and_threads_change_no_byte(study, tmp_path):
    (embeddings, splits), n_threads_before = study, torch.get_num_threads()
    try:
        first = run_search(tmp_path, embeddings["whole"], splits, n_chunks=1, threads=1)
        others = [
            run_search(tmp_path, embeddings["whole"], splits, n_chunks=1, threads=2),
            run_search(tmp_path, embeddings["split"], splits, n_chunks=3, threads=1),
            run_search(tmp_path, embeddings["whole"], splits, n_chunks=7, threads=1),
        ]
    finally:
        torch.set_num_threads(n_threads_before)
    assert all(path.read_bytes() == first.read_bytes() for path in others)
    table = tables.read(first, Neighbours)
    assert table["protocol"].unique().sort().to_list() == PROTOCOLS
    assert table.equals(table.sort(Neighbours.primary_key()))
    assert tables.read_metadata(first)["model"] == "m"
