"""Exact self-search beside faiss, pytorch-metric-learning, scikit-learn and the reference study's way.

    PYTHONPATH=. .venv/bin/python benchmarks/neighbours.py
    PYTHONPATH=. .venv/bin/python benchmarks/neighbours.py --images 20000 --ways nearkin faiss

Two threads, medians of three fresh processes that take turns. Without options it measures all
sizes, draws benchmarks/neighbours.png and writes results.json and the table in the README;
with some it only prints.
"""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import beside, curves
from benchmarks.report import abilities, publish, table

HERE = Path(__file__).parent
WIDTH, DEPTH = 512, 10
SIZES = [2_000, 5_000, 10_000, 20_000, 50_000]
ALONE = 200_000  # ours only
WAYS = ["nearkin", "faiss", "pytorch_metric_learning", "scikit_learn", "reference_study"]
PEER = "search"  # whose environment has all ways but ours
RANDOM_WAYS = ["nearkin", "faiss"]  # the others take as long whatever the vectors
LARGEST = {"reference_study": 20_000}  # beyond, it would need more memory than many machines have
PER_CLUSTER = 50
AVX2, AVX512 = {"avx2", "fma"}, {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
BLAS = {"": set(), "Haswell": AVX2, "SkylakeX": AVX2 | AVX512, "Zen": AVX2}
"""Values of OPENBLAS_CORETYPE, and what each kernel asks of a processor; "" is the library's own choice."""
PROBED = 10_000


def vectors(kind, n):
    """Unit vectors: `random` directions, or `clustered` ones whose cosine within a cluster is about 0.8."""
    drawn = np.random.default_rng([1, n])
    found = drawn.normal(size=(n, WIDTH))
    if kind == "clustered":
        centres = drawn.normal(size=(max(1, n // PER_CLUSTER), WIDTH))
        found = centres[np.arange(n) % len(centres)] + 0.5 * found
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def ask(way, vectors_path, found_path, blas):
    return beside.ask(
        "benchmarks.ways.search", way, vectors_path, DEPTH, found_path,
        peer=None if way == "nearkin" else PEER,
        settings={"OPENBLAS_CORETYPE": blas} if way == "faiss" and blas else None,
    )  # fmt: skip


def measure(kind, n, *, ways, repeats, blas, folder):
    """A record per way: median seconds and megabytes above the vectors, and whether it finds the same."""
    np.save(folder / "vectors.npy", vectors(kind, n))
    ways = [way for way in ways if n <= LARGEST.get(way, n)]
    found = beside.medians(
        {way: partial(ask, way, folder / "vectors.npy", folder / f"{way}.npy", blas) for way in ways}, repeats
    )
    answers = {way: np.sort(np.load(folder / f"{way}.npy"), axis=1) for way in ways}
    ours = found[ways[0]]["seconds"]
    return [
        {"vectors": kind, "n": n, "way": way}
        | {name: found[way][name] for name in ("seconds", "megabytes")}
        | {"times_ours": found[way]["seconds"] / ours}
        | {"same_neighbours": float((answers[way] == answers[ways[0]]).all(axis=1).mean())}
        for way in ways
    ]


def kernels(abilities):
    """The kernels that a processor with these instructions can run; any other would end the process."""
    return [blas for blas, needed in BLAS.items() if needed <= set(abilities)]


def better_blas(n, repeats, folder):
    """The kernel with which faiss is fastest here, and the seconds of each."""
    np.save(folder / "vectors.npy", vectors("random", n))
    asks = {
        blas: partial(ask, "faiss", folder / "vectors.npy", folder / "faiss.npy", blas)
        for blas in kernels(abilities())
    }
    seconds = {blas: found["seconds"] for blas, found in beside.medians(asks, repeats).items()}
    return min(seconds, key=seconds.get), seconds


def rows(records):
    """One row per set of vectors: seconds of each way and how many times ours they are, and memory."""
    for kind, n in dict.fromkeys((record["vectors"], record["n"]) for record in records):
        here = {record["way"]: record for record in records if (record["vectors"], record["n"]) == (kind, n)}
        times = [
            f"{here[way]['seconds']:.2f} ({here[way]['times_ours']:.1f} x)" if way in here else ""
            for way in WAYS
        ]
        memory = [f"{here[way]['megabytes']:,.0f}" if way in here else "" for way in ("nearkin", "faiss")]
        yield [kind, f"{n:,}", *times, *memory]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, nargs="+", help="measure these sizes only, and print")
    parser.add_argument(
        "--ways", nargs="+", choices=WAYS, default=WAYS, help="those to measure; ours is always"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small sizes, no peer to install; prints")
    options = parser.parse_args()
    repeats = 1 if options.quick else options.repeats
    sizes = options.images or ([500, 1_000] if options.quick else SIZES)
    ways = [way for way in WAYS if way == "nearkin" or way in options.ways]
    if options.quick:
        ways = beside.installed({way: None if way == "nearkin" else PEER for way in ways})
    cases = [("clustered", n, ways) for n in sizes]
    cases += [("random", n, [way for way in ways if way in RANDOM_WAYS]) for n in sizes[-2:]]
    whole = not (options.images or options.quick or options.ways != WAYS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        blas, tried = "", {}
        if "faiss" in ways:
            blas, tried = better_blas(1_000 if options.quick else PROBED, repeats, folder)
        records = []
        for kind, n, asked in cases:
            records += measure(kind, n, ways=asked, repeats=repeats, blas=blas, folder=folder)
        if whole:
            records += measure("clustered", ALONE, ways=["nearkin"], repeats=1, blas=blas, folder=folder)
    header = ["vectors", "n", *(f"{way.replace('_', ' ')}, s" for way in WAYS)]
    header += [f"{way}, MB above the vectors" for way in ("nearkin", "faiss")]
    if not whole:
        print(table(header, list(rows(records))))
        return
    drawn = [
        record | {"way": record["way"].replace("_", " ")}
        for record in records
        if record["vectors"] == "clustered"
    ]
    curves.draw(drawn, HERE / "neighbours.png", xlabel="images", memory="memory above the vectors (MB)")
    results = {"repeats": repeats, "depth": DEPTH, "width": WIDTH, "threads": beside.THREADS}
    results |= {"peers": beside.pins(PEER), "faiss_blas": {"is_best": blas or "its own", "seconds": tried}}
    publish("neighbours", results | {"found": records}, header, list(rows(records)))


if __name__ == "__main__":
    sys.exit(main())
