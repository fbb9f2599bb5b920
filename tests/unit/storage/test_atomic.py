"""Files are complete or absent, also with several writers and after killed processes."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nearkin.storage.atomic import atomic_path, write_text
from nearkin.storage.tensors import write_tensors

ROOT = Path(__file__).parents[3]
WRITE_HALF = """
import sys, time
from nearkin.storage.atomic import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print(temporary, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def half_writer(tmp_path):
    """A process that has written half of a file, that file's path, and the process' own temporary one."""
    path = tmp_path / "[1].txt"
    command = [sys.executable, "-c", WRITE_HALF, path]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process, path, Path(process.stdout.readline().strip())
        process.kill()


def list_names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_two_concurrent_writers_both_write_the_whole_file(tmp_path):
    path = tmp_path / "state"
    with atomic_path(path) as first, open(first, "w") as file:
        print("first", file=file, flush=True)
        with atomic_path(path) as second:
            second.write_text("second\n")
        print("more", file=file, flush=True)
        assert path.read_text() == "second\n"
    assert path.read_text() == "first\nmore\n"
    assert list_names(tmp_path) == ["state"]


def test_the_temporary_file_of_another_process_is_left_alone(half_writer):
    _, path, temporary = half_writer
    write_text(path, "ours")
    assert (path.read_text(), temporary.read_text()) == ("ours", "half")


def test_leftovers_of_a_killed_process_are_removed(half_writer):
    process, path, temporary = half_writer
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list_names(path.parent) == [temporary.parent.name] and temporary.parent.suffix == ".part"
    write_text(path, "ours")
    assert list_names(path.parent) == [path.name]


def test_temporary_tensors_are_removed_after_an_interrupt(tmp_path, monkeypatch):
    """safetensors writes to its own temporary file next to the path it receives."""

    def interrupt(tensors, path, metadata):
        folders.append(Path(path).parent)
        raise KeyboardInterrupt

    folders = []
    monkeypatch.setattr("nearkin.storage.tensors.save_file", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_tensors({}, tmp_path / "a")
    assert folders[0].parent == tmp_path and folders[0].suffix == ".part"
    assert list_names(tmp_path) == []


def test_a_file_system_without_locks_can_be_written_to(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    (tmp_path / ".a.0123.part").mkdir()
    (tmp_path / ".a.0123.part" / "lock").touch()
    write_text(tmp_path / "a", "ours")
    assert (tmp_path / "a").read_text() == "ours"
    assert list_names(tmp_path) == [".a.0123.part", "a"]
