"""Exact self-search, compared with faiss, pytorch-metric-learning, scikit-learn and the reference study.

    PYTHONPATH=. .venv/bin/python benchmarks/neighbours.py
    PYTHONPATH=. .venv/bin/python benchmarks/neighbours.py --images 20000 --ways nearkin faiss

Two threads, medians of three new processes that take turns. Without options it measures all
sizes, plots benchmarks/neighbours.png and writes results.json and the table in the README;
with options it only prints.
"""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import curves, peers_runner
from benchmarks.report import format_table, publish, read_cpu_flags

HERE = Path(__file__).parent
WIDTH, DEPTH = 512, 10
SIZES = [2_000, 5_000, 10_000, 20_000, 50_000]
LARGEST_SIZE = 200_000  # ours only
METHODS = ["nearkin", "faiss", "pytorch_metric_learning", "scikit_learn", "reference_study"]
PEER = "search"  # its environment has all methods except ours
RANDOM_METHODS = ["nearkin", "faiss"]  # the others take the same time for any vectors
MAX_VECTORS = {"reference_study": 20_000}  # more would need more memory than many machines have
VECTORS_PER_CLUSTER = 50
AVX2, AVX512 = {"avx2", "fma"}, {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
BLAS = {"": set(), "Haswell": AVX2, "SkylakeX": AVX2 | AVX512, "Zen": AVX2}
"""Values of OPENBLAS_CORETYPE, and the flags that each kernel requires; "" is the library's own choice."""
N_BLAS_TEST = 10_000


def make_vectors(kind, n):
    """Unit vectors: `random` directions, or `clustered` ones whose cosine within a cluster is about 0.8."""
    rng = np.random.default_rng([1, n])
    vectors = rng.normal(size=(n, WIDTH))
    if kind == "clustered":
        centres = rng.normal(size=(max(1, n // VECTORS_PER_CLUSTER), WIDTH))
        vectors = centres[np.arange(n) % len(centres)] + 0.5 * vectors
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def run_method(method, vectors_path, neighbours_path, blas):
    return peers_runner.run_module(
        "benchmarks.methods.search", method, vectors_path, DEPTH, neighbours_path,
        peer=None if method == "nearkin" else PEER,
        settings={"OPENBLAS_CORETYPE": blas} if method == "faiss" and blas else None,
    )  # fmt: skip


def measure(kind, n, *, methods, repeats, blas, folder):
    """A record per method: median seconds and megabytes above the vectors, and the share of equal results."""
    vectors_path = folder / "vectors.npy"
    np.save(vectors_path, make_vectors(kind, n))
    methods = [method for method in methods if n <= MAX_VECTORS.get(method, n)]
    runs = {
        method: partial(run_method, method, vectors_path, folder / f"{method}.npy", blas)
        for method in methods
    }
    medians = peers_runner.measure_medians(runs, repeats)
    neighbours = {method: np.sort(np.load(folder / f"{method}.npy"), axis=1) for method in methods}
    our_seconds = medians[methods[0]]["seconds"]
    return [
        {"vectors": kind, "n": n, "method": method}
        | {name: medians[method][name] for name in ("seconds", "megabytes")}
        | {"times_ours": medians[method]["seconds"] / our_seconds}
        | {"same_neighbours": float((neighbours[method] == neighbours[methods[0]]).all(axis=1).mean())}
        for method in methods
    ]


def select_kernels(cpu_flags):
    """The kernels that a processor with these flags can run; any other would end the process."""
    return [blas for blas, required_flags in BLAS.items() if required_flags <= set(cpu_flags)]


def find_fastest_blas(n, repeats, folder):
    """The kernel with which faiss is fastest here, and the seconds of each."""
    np.save(folder / "vectors.npy", make_vectors("random", n))
    runs = {
        blas: partial(run_method, "faiss", folder / "vectors.npy", folder / "faiss.npy", blas)
        for blas in select_kernels(read_cpu_flags())
    }
    medians = peers_runner.measure_medians(runs, repeats)
    seconds = {blas: record["seconds"] for blas, record in medians.items()}
    return min(seconds, key=seconds.get), seconds


def make_rows(records):
    """One row per set of vectors: seconds of each method and their ratio to ours, and memory."""
    for kind, n in dict.fromkeys((record["vectors"], record["n"]) for record in records):
        by_method = {
            record["method"]: record for record in records if (record["vectors"], record["n"]) == (kind, n)
        }
        times = [
            f"{by_method[method]['seconds']:.2f} ({by_method[method]['times_ours']:.1f} x)"
            if method in by_method
            else ""
            for method in METHODS
        ]
        memory = [
            f"{by_method[method]['megabytes']:,.0f}" if method in by_method else ""
            for method in ("nearkin", "faiss")
        ]
        yield [kind, f"{n:,}", *times, *memory]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, nargs="+", help="only these sizes; prints, writes nothing")
    parser.add_argument(
        "--ways",
        nargs="+",
        choices=METHODS,
        default=METHODS,
        help="methods to measure; ours is always included",
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small sizes, installs no peer; only prints")
    options = parser.parse_args()
    repeats = 1 if options.quick else options.repeats
    sizes = options.images or ([500, 1_000] if options.quick else SIZES)
    methods = [method for method in METHODS if method == "nearkin" or method in options.ways]
    if options.quick:
        peers = {method: None if method == "nearkin" else PEER for method in methods}
        methods = peers_runner.select_installed(peers)
    random_methods = [method for method in methods if method in RANDOM_METHODS]
    cases = [("clustered", n, methods) for n in sizes]
    cases += [("random", n, random_methods) for n in sizes[-2:]]
    is_complete = not (options.images or options.quick or options.ways != METHODS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        blas, blas_seconds = "", {}
        if "faiss" in methods:
            n_test = 1_000 if options.quick else N_BLAS_TEST
            blas, blas_seconds = find_fastest_blas(n_test, repeats, folder)
        records = []
        for kind, n, case_methods in cases:
            records += measure(kind, n, methods=case_methods, repeats=repeats, blas=blas, folder=folder)
        if is_complete:
            records += measure(
                "clustered", LARGEST_SIZE, methods=["nearkin"], repeats=1, blas=blas, folder=folder
            )
    header = ["vectors", "n", *(f"{method.replace('_', ' ')}, s" for method in METHODS)]
    header += [f"{method}, MB above the vectors" for method in ("nearkin", "faiss")]
    if not is_complete:
        print(format_table(header, list(make_rows(records))))
        return
    clustered = [
        record | {"method": record["method"].replace("_", " ")}
        for record in records
        if record["vectors"] == "clustered"
    ]
    curves.plot_costs(
        clustered, HERE / "neighbours.png", xlabel="images", memory_label="memory above the vectors (MB)"
    )
    results = {"repeats": repeats, "depth": DEPTH, "width": WIDTH, "threads": peers_runner.THREADS}
    results |= {"peers": peers_runner.read_pins(PEER)}
    results |= {"faiss_blas": {"fastest": blas or "its own", "seconds": blas_seconds}}
    publish("neighbours", results | {"records": records}, header, list(make_rows(records)))


if __name__ == "__main__":
    sys.exit(main())
