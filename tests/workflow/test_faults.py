"""What may happen to a run, and that its results are none the worse for it: the same bytes afterwards."""

import os
import re
import shutil
import subprocess
import time
from functools import partial

import pyarrow.parquet as pq
import pytest

from docs.dictionary import TABLES
from nearkin.embeddings import shard_files
from nearkin.encoders.encoder import load_encoder
from nearkin.images.pixel_cache import PixelCache
from nearkin.storage import tables
from nearkin.storage.reuse import earlier_path
from tests.workflow import runs
from tests.workflow.test_rebuilds import SHARDS

pytestmark = pytest.mark.full

EMBEDDINGS = [f"results/museum/lite0/embeddings/{shard}.parquet" for shard in SHARDS]
READ_BY = {
    "captions.parquet": "audit.html",
    "lite0/embeddings/0.parquet": "lite0/neighbours/0.parquet",
    "pixels/square_224/0.arrow": "tuned/embeddings/0.parquet",
    "untrained/encoder/weights.safetensors": "untrained/embeddings/0.parquet",
}
"""A file of each way of storing, and what the step that reads it makes."""
DAY = 86_400  # seconds


@pytest.fixture
def small_disk(project):
    """The study with its embeddings on a disk of their own, to which half of them fit."""
    if os.geteuid():
        pytest.skip("only root can mount a disk")
    folder = (project / EMBEDDINGS[0]).parent
    size = sum(path.stat().st_size for path in folder.iterdir())
    shutil.rmtree(folder)
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size // 2}", "tmpfs", folder)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_named_and_what_is_there_is_whole(finished, project, small_disk):
    output = runs.snakemake(project, *EMBEDDINGS, check=False)
    assert "no room to write it" in output + runs.logs(project)
    for path in small_disk.glob("*.parquet"):
        assert path.read_bytes() == (finished / path.relative_to(project)).read_bytes()
    mount("-o", "remount,size=100m", small_disk)
    runs.snakemake(project, *EMBEDDINGS)
    assert_same(project, finished, EMBEDDINGS)


def test_a_read_only_disk_changes_nothing(finished, project, small_disk):
    mount("-o", "remount,ro,size=100m", small_disk)
    output = runs.snakemake(project, *EMBEDDINGS, check=False)
    assert "Read-only file system" in output + runs.logs(project)
    mount("-o", "remount,rw", small_disk)
    runs.snakemake(project, *EMBEDDINGS)
    assert_same(project, finished, EMBEDDINGS)


def test_a_second_run_at_once_is_told_so_and_harms_nobody(finished, project):
    shutil.rmtree((project / EMBEDDINGS[0]).parent)
    with runs.started(project, *EMBEDDINGS) as first:
        while not list((project / ".snakemake/locks").glob("*")) and first.poll() is None:
            time.sleep(0.01)
        output = runs.snakemake(project, *EMBEDDINGS, check=False)
    assert "Directory cannot be locked" in output
    assert first.returncode == 0
    assert_same(project, finished, EMBEDDINGS)


def test_an_image_that_is_gone_before_it_is_decoded_is_named(finished, project):
    stores = [f"results/museum/pixels/square_224/{shard}.arrow" for shard in SHARDS]
    shutil.rmtree((project / stores[0]).parent)  # with what is kept for reuse
    image = next((project / "results/museum/delivery").rglob("Bird/**/*.jpg"))
    away = image.rename(project / "away.jpg")
    output = runs.snakemake(project, *stores, check=False)
    assert f"{image.name}: gone since inspection" in output + runs.logs(project)
    away.rename(image)
    runs.snakemake(project, *stores)
    assert_same(project, finished, stores)


def test_a_clock_that_was_set_back_is_named_and_a_touch_mends_it(finished, project):
    made = [path for path in (project / "results/museum").iterdir() if path.name != "delivery"]
    files = [inner for one in made for inner in (one, *one.rglob("*"))]  # of a folder only the date counts
    for path in files:
        moved = path.stat().st_mtime + DAY
        os.utime(path, (moved, moved))
    assert runs.planned(project) == set()
    figure = "results/museum/figures/recall.svg"
    assert "clock skew" in runs.snakemake(
        project, "--forcerun", "plot_recall", "--", figure, check=False
    )  # it would be older than its inputs
    subprocess.run(["touch", *(path for path in files if path.exists())], check=True)
    runs.snakemake(project, figure)
    assert_same(project, finished, [figure])
    runs.snakemake(project)  # the run that failed has withdrawn the checks
    assert runs.planned(project) == set()


def test_a_flipped_byte_in_any_artifact_is_noticed_and_its_file_named(finished, tmp_path):
    for path, opened in artifacts(finished / "results/museum"):
        damaged = tmp_path / path.name
        damaged.write_bytes(flipped(path))
        with pytest.raises(ValueError, match=path.name):
            opened(damaged)


def test_a_damaged_file_stops_its_reader_and_is_made_again_by_a_rerun(finished, project):
    results = project / "results/museum"
    for damaged, made in READ_BY.items():
        path = results / damaged
        before = path.stat()
        path.write_bytes(flipped(path))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a disk does it
        (results / made).unlink()
        earlier_path(results / made).unlink(missing_ok=True)  # whoever takes rows over from it reads less
    targets = [f"results/museum/{path}" for path in (*READ_BY, *READ_BY.values())]
    output = runs.snakemake(project, "--keep-going", "--", *targets, check=False)
    output += runs.logs(project, len(runs.jobs(output)))
    for damaged, made in READ_BY.items():
        assert re.search(rf"museum/{re.escape(damaged)}: was renamed to .*: just rerun", output), damaged
        assert not (results / made).exists()
        assert not (results / damaged).exists()
    runs.snakemake(project, *targets)
    assert_same(project, finished, targets)


def artifacts(results):
    """One file of each kind that later steps read, and what opens it."""
    for place, _, schema in TABLES:
        found = sorted(results.glob(re.sub(r"\{\w+\}", "*", place)))
        filled = [path for path in found if pq.read_metadata(path).num_rows]
        opened = (
            shard_files.iter_row_groups if "/embeddings/" in place else partial(tables.read, schema=schema)
        )
        yield from ((path, lambda path, opened=opened: list(opened(path))) for path in filled[:1])
    yield results / "pixels/square_224/0.arrow", lambda path: PixelCache(path).check()
    encoder = results / "lite0/encoder"
    yield encoder / "weights.safetensors", lambda path: load_encoder(path, encoder / "encoder.json")


def flipped(path):
    """The bytes of a file, one of them with another bit."""
    content = bytearray(path.read_bytes())
    content[within_data(path)] ^= 1
    return content


def within_data(path):
    """Where a byte of a file's data stands: the middle, of a table the end of its first column."""
    if path.suffix != ".parquet":
        return path.stat().st_size // 2
    column = pq.read_metadata(path).row_group(0).column(0)
    return (column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 1


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def assert_same(project, finished, paths):
    for path in paths:
        assert (project / path).read_bytes() == (finished / path).read_bytes(), path
