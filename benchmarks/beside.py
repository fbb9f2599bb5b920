"""The same work done by several ways, ours and peers', turn by turn, each time in a fresh process.

A peer lives in a virtual environment of its own below .bench/, made on demand from its pins in
benchmarks/peers/. What it needs and does not pin, torch above all, it takes from the environment
that runs this, so that both compute with the same.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import sysconfig
import threading
import venv
from pathlib import Path

import psutil

from benchmarks.fresh import how_it_ended

HERE = Path(__file__).parent
CACHE = HERE.parent / ".bench"
THREADS = 2
EVERY = 0.25  # seconds between two looks at the memory


def pins(peer):
    """What is installed for a peer, with versions."""
    lines = (HERE / "peers" / f"{peer}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def is_installed(peer: str) -> bool:
    """Whether a peer's environment is there, with the pins of today."""
    wanted, done = HERE / "peers" / f"{peer}.txt", CACHE / peer / "installed.txt"
    return done.exists() and done.read_bytes() == wanted.read_bytes()


def installed(peers: dict[str, str | None]) -> list[str]:
    """The ways that run without installing anything, in order; says of the others that they are left out.

    `peers` has the peer of each way, None for ours.
    """
    absent = [way for way, peer in peers.items() if peer and not is_installed(peer)]
    if absent:
        print(f"left out, for they are not installed in {CACHE.name}/: {', '.join(absent)}", flush=True)
    return [way for way in peers if way not in absent]


def interpreter(peer):
    """The Python of a peer's environment, which is made if its pins have changed or it is not there."""
    wanted, folder = HERE / "peers" / f"{peer}.txt", CACHE / peer
    python, done = folder / "bin/python", folder / "installed.txt"
    if not is_installed(peer):
        venv.create(folder, with_pip=True, clear=True)
        theirs = next(folder.glob("lib/python*/site-packages"))
        (theirs / "ours.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n", encoding="utf-8")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--no-deps", "--ignore-installed", "-r", wanted], check=True)  # noqa: S603
        done.write_bytes(wanted.read_bytes())
    return python


def ask(module, *arguments, peer=None, settings=None):
    """What `python -m module *arguments` prints as JSON in its last line, in a peer's environment or ours.

    With `peak`, the most memory that it and its children held, in megabytes: what they share
    counts once, libraries and other mapped files do not count. `settings` are further
    environment variables. Raises RuntimeError with how it ended and what it said when it fails.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(THREADS))
    environment = os.environ | threads | {"PYTHONPATH": str(HERE.parent)} | (settings or {})
    command = [interpreter(peer) if peer else sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(  # noqa: S603
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        peak, over = [0.0], threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, peak, over))
        watch.start()
        said, complaint = process.communicate()
        over.set()
        watch.join()
    if process.returncode:
        told = "".join(f", {name}={value}" for name, value in (settings or {}).items())
        raise RuntimeError(
            f"{' '.join(map(str, command))}{told} {how_it_ended(process.returncode)}:\n{complaint[-2000:]}"
        )
    return json.loads(said.splitlines()[-1]) | {"peak": peak[0]}


def medians(ways, repeats):
    """For each way the median of every number that it gives, the ways taking turns.

    `ways` is a dict of functions without arguments that give a dict of numbers.

    >>> medians({"one": lambda: {"seconds": 1}}, repeats=3)
    {'one': {'seconds': 1}}
    """
    found = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            found[name].append(way())
            print(name, json.dumps(found[name][-1]), file=sys.stderr, flush=True)
    return {
        name: {key: statistics.median(record[key] for record in records) for key in records[0]}
        for name, records in found.items()
    }


def _watch(pid, peak, over):
    while not over.wait(EVERY):
        try:
            family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
            peak[0] = max(peak[0], sum(map(_proportional, family)))
        except (psutil.Error, OSError):
            continue  # one of them has just ended


def _proportional(pid):
    """The memory of a process in megabytes; what n of them share counts a nth, mapped files do not."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    return sum(map(int, re.findall(r"^Pss_(?:Anon|Shmem):\s+(\d+) kB", told, re.MULTILINE))) / 2**10
