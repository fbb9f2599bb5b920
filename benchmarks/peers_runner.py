"""Runs the same task with several methods, ours and those of peers, in turns and each time in a new process.

Each peer has its own virtual environment below .bench/, created on demand from its pins in
benchmarks/peers/. Packages that a peer needs but does not pin, above all torch, come from the
environment that runs this module, so that all methods use the same versions of them.
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

from benchmarks.subprocess_timer import describe_exit

HERE = Path(__file__).parent
CACHE = HERE.parent / ".bench"
THREADS = 2
MEMORY_INTERVAL_SECONDS = 0.25


def read_pins(peer):
    """The packages of a peer's environment, with versions."""
    lines = (HERE / "peers" / f"{peer}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def is_installed(peer: str) -> bool:
    """Whether a peer's environment exists and has the current pins."""
    pins, installed_pins = HERE / "peers" / f"{peer}.txt", CACHE / peer / "installed.txt"
    return installed_pins.exists() and installed_pins.read_bytes() == pins.read_bytes()


def select_installed(peers: dict[str, str | None]) -> list[str]:
    """The methods that run without installing anything, in order; prints the names of the others.

    `peers` maps each method to its peer, or to None if the method is ours.
    """
    missing = [method for method, peer in peers.items() if peer and not is_installed(peer)]
    if missing:
        print(f"skipped, not installed in {CACHE.name}/: {', '.join(missing)}", flush=True)
    return [method for method in peers if method not in missing]


def create_environment(peer):
    """The Python of a peer's environment, which is created if it is missing or has other pins."""
    pins, folder = HERE / "peers" / f"{peer}.txt", CACHE / peer
    python, installed_pins = folder / "bin/python", folder / "installed.txt"
    if not is_installed(peer):
        venv.create(folder, with_pip=True, clear=True)
        site_packages = next(folder.glob("lib/python*/site-packages"))
        (site_packages / "ours.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n", encoding="utf-8")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--no-deps", "--ignore-installed", "-r", pins], check=True)  # noqa: S603
        installed_pins.write_bytes(pins.read_bytes())
    return python


def run_module(module, *arguments, peer=None, settings=None):
    """The last line that `python -m module *arguments` prints, parsed as JSON.

    Runs in the environment of a peer or in ours. Adds `peak`: the highest memory of the process
    and its children in megabytes. Shared memory counts once, libraries and other mapped files do
    not count. `settings` are additional environment variables. Raises RuntimeError with the exit
    status and the error output if the process fails.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(THREADS))
    environment = os.environ | threads | {"PYTHONPATH": str(HERE.parent)} | (settings or {})
    command = [create_environment(peer) if peer else sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(  # noqa: S603
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        peak, is_over = [0.0], threading.Event()
        monitor = threading.Thread(target=_monitor_memory, args=(process.pid, peak, is_over))
        monitor.start()
        output, errors = process.communicate()
        is_over.set()
        monitor.join()
    if process.returncode:
        variables = "".join(f", {name}={value}" for name, value in (settings or {}).items())
        raise RuntimeError(
            f"{' '.join(map(str, command))}{variables} {describe_exit(process.returncode)}:\n{errors[-2000:]}"
        )
    return json.loads(output.splitlines()[-1]) | {"peak": peak[0]}


def measure_medians(methods, repeats):
    """The median of each number that each method returns; the methods take turns.

    `methods` is a dict of functions that take no arguments and return a dict of numbers.

    >>> measure_medians({"a": lambda: {"seconds": 1}}, repeats=3)
    {'a': {'seconds': 1}}
    """
    records_by_method = {name: [] for name in methods}
    for _ in range(repeats):
        for name, method in methods.items():
            record = method()
            records_by_method[name].append(record)
            print(name, json.dumps(record), file=sys.stderr, flush=True)
    return {
        name: {key: statistics.median(record[key] for record in records) for key in records[0]}
        for name, records in records_by_method.items()
    }


def _monitor_memory(pid, peak, is_over):
    while not is_over.wait(MEMORY_INTERVAL_SECONDS):
        try:
            pids = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
            peak[0] = max(peak[0], sum(map(_proportional_megabytes, pids)))
        except (psutil.Error, OSError):
            continue  # one of the processes has just ended


def _proportional_megabytes(pid):
    """The memory of a process without mapped files; memory shared by n processes counts as 1/n."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    return sum(map(int, re.findall(r"^Pss_(?:Anon|Shmem):\s+(\d+) kB", rollup, re.MULTILINE))) / 2**10
