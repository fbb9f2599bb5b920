"""Faults during a run and after it: the results afterwards have the same bytes."""

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
READERS = {
    "captions.parquet": "audit.html",
    "lite0/embeddings/0.parquet": "lite0/neighbours/0.parquet",
    "pixels/square_224/1.arrow": "tuned/embeddings/1.parquet",
    "untrained/encoder/weights.safetensors": "untrained/embeddings/0.parquet",
}
"""A file of each format, and the output of a step that reads it; no other of these steps reads the file."""
DAY_SECONDS = 86_400


@pytest.fixture
def small_disk(project):
    """The study with its embeddings on a separate disk that has room for half of them."""
    if os.geteuid():
        pytest.skip("only root can mount a disk")
    folder = (project / EMBEDDINGS[0]).parent
    size = sum(path.stat().st_size for path in folder.iterdir())
    shutil.rmtree(folder)
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size // 2}", "tmpfs", folder)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_named_and_existing_files_are_complete(finished_study, project, small_disk):
    output = runs.run_snakemake(project, *EMBEDDINGS, check=False)
    assert "no room to write it" in output + runs.read_logs(project)
    for path in small_disk.glob("*.parquet"):
        assert path.read_bytes() == (finished_study / path.relative_to(project)).read_bytes()
    mount("-o", "remount,size=100m", small_disk)
    runs.run_snakemake(project, *EMBEDDINGS)
    assert_same_bytes(project, finished_study, EMBEDDINGS)


def test_a_read_only_disk_changes_nothing(finished_study, project, small_disk):
    mount("-o", "remount,ro,size=100m", small_disk)
    output = runs.run_snakemake(project, *EMBEDDINGS, check=False)
    assert "Read-only file system" in output + runs.read_logs(project)
    mount("-o", "remount,rw", small_disk)
    runs.run_snakemake(project, *EMBEDDINGS)
    assert_same_bytes(project, finished_study, EMBEDDINGS)


def test_a_second_run_is_refused_and_does_no_harm(finished_study, project):
    shutil.rmtree((project / EMBEDDINGS[0]).parent)
    with runs.start_snakemake(project, *EMBEDDINGS) as first:
        while not list((project / ".snakemake/locks").glob("*")) and first.poll() is None:
            time.sleep(0.01)
        output = runs.run_snakemake(project, *EMBEDDINGS, check=False)
    assert "Directory cannot be locked" in output
    assert first.returncode == 0
    assert_same_bytes(project, finished_study, EMBEDDINGS)


def test_an_image_that_is_deleted_before_decoding_is_named(finished_study, project):
    caches = [f"results/museum/pixels/square_224/{shard}.arrow" for shard in SHARDS]
    shutil.rmtree((project / caches[0]).parent)  # with the files kept for reuse
    image = next((project / "results/museum/delivery").rglob("Bird/**/*.jpg"))
    moved_image = image.rename(project / "away.jpg")
    output = runs.run_snakemake(project, *caches, check=False)
    assert f"{image.name}: gone since inspection" in output + runs.read_logs(project)
    moved_image.rename(image)
    runs.run_snakemake(project, *caches)
    assert_same_bytes(project, finished_study, caches)


def test_a_clock_that_was_set_back_is_named_and_touch_repairs_it(finished_study, project):
    results = [path for path in (project / "results/museum").iterdir() if path.name != "delivery"]
    files = [
        file for path in results for file in (path, *path.rglob("*"))
    ]  # of a folder, only the date matters
    for path in files:
        new_time = path.stat().st_mtime + DAY_SECONDS
        os.utime(path, (new_time, new_time))
    assert runs.plan_jobs(project) == set()
    figure = "results/museum/figures/recall.svg"
    assert "clock skew" in runs.run_snakemake(
        project, "--forcerun", "plot_recall", "--", figure, check=False
    )  # it would be older than its inputs
    subprocess.run(["touch", *(path for path in files if path.exists())], check=True)
    runs.run_snakemake(project, figure)
    assert_same_bytes(project, finished_study, [figure])
    runs.run_snakemake(project)  # the failed run has withdrawn the checks
    assert runs.plan_jobs(project) == set()


def test_a_flipped_bit_in_any_artifact_is_detected_and_its_file_named(finished_study, tmp_path):
    for path, open_file in list_artifacts(finished_study / "results/museum"):
        damaged_path = tmp_path / path.name
        damaged_path.write_bytes(flip_bit(path))
        with pytest.raises(ValueError, match=path.name):
            open_file(damaged_path)


def test_a_damaged_file_stops_its_reader_and_a_rerun_repairs_it(finished_study, project):
    results = project / "results/museum"
    for damaged, product in READERS.items():
        path = results / damaged
        before = path.stat()
        path.write_bytes(flip_bit(path))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a disk error does
        (results / product).unlink()
        earlier_path(results / product).unlink(missing_ok=True)  # a step that reuses its rows reads less
    targets = [f"results/museum/{path}" for path in (*READERS, *READERS.values())]
    output = runs.run_snakemake(project, "--keep-going", "--", *targets, check=False)
    output += runs.read_logs(project, len(runs.parse_jobs(output)))
    for damaged, product in READERS.items():
        assert re.search(rf"museum/{re.escape(damaged)}: was renamed to .*: just rerun", output), damaged
        assert not (results / product).exists()
        assert not (results / damaged).exists()
    runs.run_snakemake(project, *targets)
    assert_same_bytes(project, finished_study, targets)


def list_artifacts(results):
    """One file of each kind that later steps read, and the function that opens it."""
    for path_pattern, _, schema in TABLES:
        paths = sorted(results.glob(re.sub(r"\{\w+\}", "*", path_pattern)))
        non_empty = [path for path in paths if pq.read_metadata(path).num_rows]
        open_file = (
            shard_files.iter_row_groups
            if "/embeddings/" in path_pattern
            else partial(tables.read, schema=schema)
        )
        yield from ((path, lambda path, open_file=open_file: list(open_file(path))) for path in non_empty[:1])
    yield results / "pixels/square_224/0.arrow", lambda path: PixelCache(path).check()
    encoder = results / "lite0/encoder"
    yield encoder / "weights.safetensors", lambda path: load_encoder(path, encoder / "encoder.json")


def flip_bit(path):
    """The bytes of a file with one bit flipped."""
    content = bytearray(path.read_bytes())
    content[find_data_offset(path)] ^= 1
    return content


def find_data_offset(path):
    """The offset of a byte of data: the middle of a file, or the end of a table's first column."""
    if path.suffix != ".parquet":
        return path.stat().st_size // 2
    column = pq.read_metadata(path).row_group(0).column(0)
    return (column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 1


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def assert_same_bytes(project, finished_study, paths):
    for path in paths:
        assert (project / path).read_bytes() == (finished_study / path).read_bytes(), path
