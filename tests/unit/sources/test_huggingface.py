"""A dataset is downloaded completely, at its commit and only into its folder; otherwise it has no record."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.factories import fake_hub

ROOT = Path(__file__).parents[3]
FILES = {
    "README.md": b"about",
    "datasets/Fish/chunk_0/a b.jpg": b"picture",
    "datasets/Fish/metadata/m.csv": b"x",
}
CODE = """
import sys
from scripts.download_dataset import download_dataset
folder, record, revision, *patterns = sys.argv[1:]
download_dataset(folder, record, repo="museum/fish", revision=revision, patterns=patterns)
"""


def start_download(folder, environment, *, revision=fake_hub.COMMIT, patterns=("*",)):
    """A process that downloads into `folder`, and its record in the same parent folder."""
    record = folder.with_name("download.json")
    environment = environment | {"HF_HOME": str(folder.with_name("home")), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CODE, str(folder), str(record), revision, *patterns]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True), record


def read_errors(folder, environment, **options):
    """The error output of a download that fails."""
    process, record = start_download(folder, environment, **options)
    _, errors = process.communicate()
    assert process.returncode != 0 and not record.exists()
    return errors


def list_files(folder):
    paths = [path for path in folder.rglob("*") if ".cache" not in path.parts and not path.is_dir()]
    return {str(path.relative_to(folder)): path for path in paths}


def test_matching_files_are_plain_files_and_the_record_has_the_commit(tmp_path):
    folder = tmp_path / "fish"
    with fake_hub.serve(FILES) as environment:
        process, record = start_download(folder, environment, revision="main", patterns=["datasets/*"])
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    files = list_files(folder)
    assert {path: file.read_bytes() for path, file in files.items()} == {
        path: data for path, data in FILES.items() if path.startswith("datasets/")
    }
    assert not any(file.is_symlink() for file in files.values())
    expected = {
        "repo": fake_hub.REPO,
        "revision": "main",
        "commit": fake_hub.COMMIT,
        "n_files": 2,
        "n_bytes": 8,
    }
    assert json.loads(record.read_text()).items() >= expected.items()


@pytest.mark.parametrize("path", ["../out.jpg", "a/../../out.jpg", "/out.jpg", "C:\\out.jpg"])
def test_a_path_outside_the_folder_is_refused_and_not_written(tmp_path, path):
    folder = tmp_path / "deep" / "fish"
    with fake_hub.serve(FILES | {path: b"out"}) as environment:
        assert f"{path!r} leads out of the folder" in read_errors(folder, environment)
    assert not folder.exists()


def test_a_failed_download_has_no_record_and_names_the_dataset(tmp_path):
    folder = tmp_path / "fish"
    with fake_hub.serve(FILES, broken=["README.md"]) as environment:
        assert f"museum/fish at {fake_hub.COMMIT}: cannot be downloaded" in read_errors(folder, environment)
        assert "no file matches ['*.tar']" in read_errors(folder, environment, patterns=["*.tar"])
    assert "museum/fish at main: cannot be downloaded from http://127.0.0.1:" in read_errors(
        folder, environment, revision="main"
    )


def test_a_killed_download_has_no_record_and_the_next_completes_it(tmp_path):
    folder = tmp_path / "fish"
    with fake_hub.serve({"a.jpg": b"first", "b.jpg": fake_hub.INCOMPLETE_BODY}) as environment:
        process, record = start_download(folder, environment)
        while not (folder / "a.jpg").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
        process.communicate()
    assert not record.exists() and not (folder / "b.jpg").exists()
    with fake_hub.serve({"a.jpg": b"first", "b.jpg": b"second"}) as environment:
        process, record = start_download(folder, environment)
        process.communicate()
    assert record.exists() and (folder / "b.jpg").read_bytes() == b"second"
