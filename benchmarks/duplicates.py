"""All pairs of 64-bit hashes within a distance: compared with imagededup, then ours only on more hashes.

    PYTHONPATH=. .venv/bin/python benchmarks/duplicates.py

Installs imagededup into its own virtual environment at --peer if it is missing there; its other
dependencies come from the environment that runs this benchmark. With --quick nothing is installed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from pathlib import Path

import numpy as np

from benchmarks.report import format_table, publish
from benchmarks.subprocess_timer import run_in_subprocess
from nearkin.groups.hamming import close_pairs

PEER = "imagededup==0.3.3.post2"
PEER_CODE = """
import json, sys, time
from imagededup.methods import DHash
hashes = json.load(open(sys.argv[1]))
start = time.perf_counter()
pairs = DHash(verbose=False).find_duplicates(encoding_map=hashes, max_distance_threshold=int(sys.argv[2]))
seconds = time.perf_counter() - start
json.dump({"seconds": seconds, "pairs": pairs}, open(sys.argv[3], "w"))
"""
PEER_FOLDER = Path(__file__).parents[1] / ".bench/imagededup"
N_COMPARISON, DISTANCE = 20_000, 10
CASES = [(200_000, 10), (200_000, 4), (1_000_000, 4), (5_600_000, 4), (5_600_000, 6)]


def make_hashes(n):
    """Random hashes, all different; every fiftieth differs from the previous one in up to three bits."""
    rng = np.random.default_rng(1)
    hashes = rng.integers(2**64, size=n, dtype=np.uint64)
    rows = np.arange(1, n, 50)
    bits = np.left_shift(np.uint64(1), rng.integers(64, size=(3, len(rows)), dtype=np.uint64))
    hashes[rows] = hashes[rows - 1] ^ np.bitwise_or.reduce(bits, axis=0)
    return np.unique(hashes)


def find_pairs(hashes, distance):
    """Pairs of indices, the smaller first."""
    blocks = [np.stack(pair, axis=1) for pair in close_pairs(hashes, hashes, distance)]
    pairs = np.concatenate(blocks)
    return pairs[pairs[:, 0] < pairs[:, 1]]


def find_named_pairs(texts, distance):
    """Pairs of names, from hexadecimal hashes by name: the same task as the peer has."""
    names = np.array(list(texts))
    hashes = np.array([int(text, 16) for text in texts.values()], dtype=np.uint64)
    return names[find_pairs(hashes, distance)]


def create_environment(folder):
    """The interpreter of the peer's environment, which is created if it is missing."""
    python = folder / "bin/python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        ours = Path(sysconfig.get_paths()["purelib"])
        site_packages = next(folder.glob("lib/python*/site-packages"))
        (site_packages / "ours.pth").write_text(f"{ours}\n", encoding="utf-8")
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True)  # noqa: S603
    return python


def compare_with_peer(python, n, repeats):
    """The seconds of both for the same hashes, and their ratio. Raises ValueError if the pairs differ."""
    texts = {f"{number}.jpg": f"{value:016x}" for number, value in enumerate(make_hashes(n).tolist())}
    our_seconds, peer_seconds = [], []
    with tempfile.TemporaryDirectory() as name:
        hashes_path, code_path, output_path = (
            Path(name, file) for file in ("hashes.json", "search.py", "output.json")
        )
        hashes_path.write_text(json.dumps(texts), encoding="utf-8")
        code_path.write_text(PEER_CODE, encoding="utf-8")
        command = [python, code_path, hashes_path, str(DISTANCE), output_path]
        for _ in range(repeats):
            start = time.perf_counter()
            pairs = find_named_pairs(texts, DISTANCE)
            our_seconds.append(time.perf_counter() - start)
            subprocess.run(command, check=True, cwd=name)  # noqa: S603
            output = json.loads(output_path.read_text(encoding="utf-8"))
            peer_seconds.append(output["seconds"])
    our_pairs = {frozenset(pair) for pair in pairs.tolist()}
    if our_pairs != {
        frozenset((name, other)) for name, others in output["pairs"].items() for other in others
    }:
        raise ValueError("the two methods do not find the same pairs")
    median, peer_median = statistics.median(our_seconds), statistics.median(peer_seconds)
    return {
        "seconds": median,
        "peer_seconds": peer_median,
        "times": peer_median / median,
        "pairs": len(our_pairs),
    }


def measure_search(n, distance):
    """Seconds and pairs of a search."""
    hashes = make_hashes(n)
    start = time.perf_counter()
    n_pairs = len(find_pairs(hashes, distance))
    return {"seconds": time.perf_counter() - start, "pairs": n_pairs}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer", type=Path, default=PEER_FOLDER, help="folder of the peer's environment")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few hashes once, installs no peer; only prints",
    )
    options = parser.parse_args()
    n, repeats, cases = (2_000, 1, [(20_000, 4)]) if options.quick else (N_COMPARISON, options.repeats, CASES)
    rows = []
    if options.quick and not (options.peer / "bin/python").exists():
        print(f"skipped, not installed in {options.peer.name}/: imagededup")
    else:
        comparison = compare_with_peer(create_environment(options.peer), n, repeats)
        rows.append(
            [f"{n:,}", DISTANCE, comparison["pairs"], f"{comparison['seconds']:.2f}", "",
             f"{comparison['peer_seconds']:.1f}", f"{comparison['times']:.0f}"]
        )  # fmt: skip
    records = [{"hashes": n, "distance": d} | run_in_subprocess(measure_search, n, d) for n, d in cases]
    rows += [
        [f"{record['hashes']:,}", record["distance"], record["pairs"], f"{record['seconds']:.1f}",
         f"{record['gigabytes']:.2f}", "", ""]
        for record in records
    ]  # fmt: skip
    header = ["hashes", "distance", "pairs", "ours, s", "peak memory, GB", "imagededup, s", "times faster"]
    if options.quick:
        print(format_table(header, rows))
        return
    publish("duplicates", {"comparison": comparison, "records": records}, header, rows)


if __name__ == "__main__":
    sys.exit(main())
