"""Files are whole or not there, whoever else writes them, and whatever was killed before."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nearkin.storage.atomic import atomic_path, write_text
from nearkin.storage.tensors import write_tensors

ROOT = Path(__file__).parents[3]
WRITING = """
import sys, time
from nearkin.storage.atomic import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print(temporary, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writing(tmp_path):
    """A process that has written half of a file, that file's path, and the process' own temporary one."""
    path = tmp_path / "[1].txt"
    command = [sys.executable, "-c", WRITING, path]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process, path, Path(process.stdout.readline().strip())
        process.kill()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_two_who_write_a_file_at_once_both_write_it_whole(tmp_path):
    path = tmp_path / "state"
    with atomic_path(path) as first, open(first, "w") as file:
        print("first", file=file, flush=True)
        with atomic_path(path) as second:
            second.write_text("second\n")
        print("more", file=file, flush=True)
        assert path.read_text() == "second\n"
    assert path.read_text() == "first\nmore\n"
    assert names(tmp_path) == ["state"]


def test_a_file_that_another_process_writes_is_left_to_it(writing):
    _, path, temporary = writing
    write_text(path, "ours")
    assert (path.read_text(), temporary.read_text()) == ("ours", "half")


def test_what_a_kill_leaves_is_removed_by_the_next_try(writing):
    process, path, temporary = writing
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert names(path.parent) == [temporary.parent.name] and temporary.parent.suffix == ".part"
    write_text(path, "ours")
    assert names(path.parent) == [path.name]


def test_tensors_lie_among_what_the_next_try_removes(tmp_path, monkeypatch):
    """safetensors writes to a temporary file of its own, beside that which it was told."""

    def killed(tensors, path, metadata):
        folders.append(Path(path).parent)
        raise KeyboardInterrupt

    folders = []
    monkeypatch.setattr("nearkin.storage.tensors.save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        write_tensors({}, tmp_path / "a")
    assert folders[0].parent == tmp_path and folders[0].suffix == ".part"
    assert names(tmp_path) == []


def test_a_file_system_without_locks_can_be_written_to(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refused)
    (tmp_path / ".a.0123.part").mkdir()
    (tmp_path / ".a.0123.part" / "lock").touch()
    write_text(tmp_path / "a", "ours")
    assert (tmp_path / "a").read_text() == "ours"
    assert names(tmp_path) == [".a.0123.part", "a"]
