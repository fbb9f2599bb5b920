"""All pairs of 64-bit hashes within a distance, beside imagededup in one run; then ours alone on more.

    PYTHONPATH=. .venv/bin/python benchmarks/duplicates.py

Puts imagededup into a virtual environment of its own at --peer, unless it is there already; what
else that needs it takes from the environment that runs this. With --quick nothing is installed.
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

from benchmarks import fresh
from benchmarks.report import publish, table
from nearkin.groups.hamming import close_pairs

PEER = "imagededup==0.3.3.post2"
ASK_PEER = """
import json, sys, time
from imagededup.methods import DHash
hashes = json.load(open(sys.argv[1]))
start = time.perf_counter()
found = DHash(verbose=False).find_duplicates(encoding_map=hashes, max_distance_threshold=int(sys.argv[2]))
seconds = time.perf_counter() - start
json.dump({"seconds": seconds, "found": found}, open(sys.argv[3], "w"))
"""
PLACE = Path(__file__).parents[1] / ".bench/imagededup"
BESIDE, DISTANCE = 20_000, 10
ALONE = [(200_000, 10), (200_000, 4), (1_000_000, 4), (5_600_000, 4), (5_600_000, 6)]


def hashes(n):
    """Random hashes, all different; every fiftieth is up to three bits off the one before it."""
    random = np.random.default_rng(1)
    drawn = random.integers(2**64, size=n, dtype=np.uint64)
    at = np.arange(1, n, 50)
    bits = np.left_shift(np.uint64(1), random.integers(64, size=(3, len(at)), dtype=np.uint64))
    drawn[at] = drawn[at - 1] ^ np.bitwise_or.reduce(bits, axis=0)
    return np.unique(drawn)


def near(values, distance):
    """Pairs of positions, first before second."""
    found = [np.stack(pair, axis=1) for pair in close_pairs(values, values, distance)]
    pairs = np.concatenate(found)
    return pairs[pairs[:, 0] < pairs[:, 1]]


def from_texts(texts, distance):
    """The same from hexadecimal texts by name, as pairs of names: what the peer is asked for."""
    names = np.array(list(texts))
    values = np.array([int(text, 16) for text in texts.values()], dtype=np.uint64)
    return names[near(values, distance)]


def installed(folder):
    """The interpreter of the peer's environment, which is made if it is not there."""
    python = folder / "bin/python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        ours = Path(sysconfig.get_paths()["purelib"])
        theirs = next(folder.glob("lib/python*/site-packages"))
        (theirs / "ours.pth").write_text(f"{ours}\n", encoding="utf-8")
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True)  # noqa: S603
    return python


def beside(python, n, repeats):
    """Seconds of both on the same texts, and their ratio. Raises ValueError if the pairs differ."""
    texts = {f"{number}.jpg": f"{value:016x}" for number, value in enumerate(hashes(n).tolist())}
    seconds, theirs = [], []
    with tempfile.TemporaryDirectory() as name:
        given, asked, answer = (Path(name, file) for file in ("hashes.json", "ask.py", "answer.json"))
        given.write_text(json.dumps(texts), encoding="utf-8")
        asked.write_text(ASK_PEER, encoding="utf-8")
        for _ in range(repeats):
            start = time.perf_counter()
            pairs = from_texts(texts, DISTANCE)
            seconds.append(time.perf_counter() - start)
            subprocess.run([python, asked, given, str(DISTANCE), answer], check=True, cwd=name)  # noqa: S603
            said = json.loads(answer.read_text(encoding="utf-8"))
            theirs.append(said["seconds"])
    ours = {frozenset(pair) for pair in pairs.tolist()}
    if ours != {frozenset((name, other)) for name, others in said["found"].items() for other in others}:
        raise ValueError("the two do not find the same pairs")
    median, peer = statistics.median(seconds), statistics.median(theirs)
    return {"seconds": median, "peer_seconds": peer, "times": peer / median, "pairs": len(ours)}


def alone(n, distance):
    """Seconds and pairs of a search."""
    values = hashes(n)
    start = time.perf_counter()
    pairs = len(near(values, distance))
    return {"seconds": time.perf_counter() - start, "pairs": pairs}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer", type=Path, default=PLACE, help="folder of the peer's environment")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few hashes once, without a peer to install; only prints",
    )
    options = parser.parse_args()
    n, repeats, cases = (2_000, 1, [(20_000, 4)]) if options.quick else (BESIDE, options.repeats, ALONE)
    rows = []
    if options.quick and not (options.peer / "bin/python").exists():
        print(f"left out, for it is not installed in {options.peer.name}/: imagededup")
    else:
        compared = beside(installed(options.peer), n, repeats)
        rows.append(
            [f"{n:,}", DISTANCE, compared["pairs"], f"{compared['seconds']:.2f}", "",
             f"{compared['peer_seconds']:.1f}", f"{compared['times']:.0f}"]
        )  # fmt: skip
    searched = [{"hashes": n, "distance": d} | fresh.run(alone, n, d) for n, d in cases]
    rows += [
        [f"{found['hashes']:,}", found["distance"], found["pairs"], f"{found['seconds']:.1f}",
         f"{found['gigabytes']:.2f}", "", ""]
        for found in searched
    ]  # fmt: skip
    header = ["hashes", "distance", "pairs", "ours, s", "peak memory, GB", "imagededup, s", "times faster"]
    if options.quick:
        print(table(header, rows))
        return
    publish("duplicates", {"beside": compared, "alone": searched}, header, rows)


if __name__ == "__main__":
    sys.exit(main())
