"""The parts of the benchmarks in which an error would stay unnoticed."""

import json
import os
import signal

import numpy as np
import polars as pl
import pytest

from benchmarks import (
    embedding,
    finetuning_results,
    neighbours,
    peers_runner,
    report,
    subprocess_timer,
    training,
)
from benchmarks.methods.search import METHODS, remove_self
from nearkin.vocabulary import MAIN_LEVELS


def test_the_query_is_removed_or_otherwise_the_last():
    indices = np.array([[0, 1, 2], [2, 1, 0], [0, 1, 3]])
    assert remove_self(indices, 2).tolist() == [[1, 2], [2, 0], [0, 1]]


@pytest.mark.parametrize("method", ["faiss", "reference_study"])
def test_the_peers_return_the_nearest_neighbours(method):
    vectors = neighbours.make_vectors("clustered", 200)
    expected = np.argsort(-(vectors @ vectors.T - 2 * np.eye(200)), axis=1)[:, :3]
    assert np.array_equal(METHODS[method]()(vectors, 3), expected)


def test_vectors_of_a_cluster_are_similar():
    vectors = neighbours.make_vectors("clustered", 100)
    cosines = vectors @ vectors.T
    assert cosines[0, 2] == pytest.approx(0.8, abs=0.1)
    assert abs(cosines[0, 1]) < 0.2


def test_methods_take_turns_and_return_medians():
    calls, seconds = [], iter([3.0, 9.0, 1.0, 9.0, 2.0, 9.0])

    def run_method(name):
        calls.append(name)
        return {"seconds": next(seconds)}

    methods = {name: lambda name=name: run_method(name) for name in "ab"}
    medians = peers_runner.measure_medians(methods, repeats=3)
    assert calls == ["a", "b"] * 3
    assert medians == {"a": {"seconds": 2.0}, "b": {"seconds": 9.0}}


def test_a_kernel_is_forced_only_where_the_processor_has_it(tmp_path, monkeypatch):
    all_flags = ["sse2", "fma", "avx2", "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"]
    assert neighbours.select_kernels(all_flags) == ["", "Haswell", "SkylakeX", "Zen"]
    assert neighbours.select_kernels(["sse2", "avx2", "fma"]) == ["", "Haswell", "Zen"]
    assert neighbours.select_kernels(all_flags[:-1]) == ["", "Haswell", "Zen"]
    assert neighbours.select_kernels(["asimd"]) == [""]
    (tmp_path / "cpuinfo").write_text("model name\t: Old\nflags\t\t: sse2 avx2 fma\n", encoding="utf-8")
    monkeypatch.setattr(report, "CPUINFO", tmp_path / "cpuinfo")
    kernels = {}

    def record_kernel(*arguments):
        return kernels.setdefault(arguments[-1], {"seconds": 1.0})

    monkeypatch.setattr(neighbours, "run_method", record_kernel)
    neighbours.find_fastest_blas(10, 1, tmp_path)
    assert list(kernels) == ["", "Haswell", "Zen"]


def test_missing_peers_are_skipped_by_name(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(peers_runner, "CACHE", tmp_path / ".bench")
    peers = {"ours": None, "theirs": "search", "another": "clip_retrieval"}
    assert peers_runner.select_installed(peers) == ["ours"]
    assert capsys.readouterr().out == "skipped, not installed in .bench/: theirs, another\n"
    (tmp_path / ".bench/search").mkdir(parents=True)
    pins = (peers_runner.HERE / "peers/search.txt").read_bytes()
    (tmp_path / ".bench/search/installed.txt").write_bytes(pins)
    assert peers_runner.select_installed(peers) == ["ours", "theirs"]
    (tmp_path / ".bench/search/installed.txt").write_bytes(b"of yesterday")
    assert peers_runner.select_installed(peers) == ["ours"]


def kill_own_process():
    os.kill(os.getpid(), signal.SIGILL)


def test_a_process_that_dies_names_its_signal(tmp_path, monkeypatch):
    (tmp_path / "dies.py").write_text("import os; os.kill(os.getpid(), 4)", encoding="utf-8")
    monkeypatch.setattr(peers_runner, "HERE", tmp_path / "here")
    with pytest.raises(RuntimeError, match=r"dies, KERNEL=Zen was ended by SIGILL \(Illegal instruction\)"):
        peers_runner.run_module("dies", settings={"KERNEL": "Zen"})
    with pytest.raises(RuntimeError, match="kill_own_process.* was ended by SIGILL"):
        subprocess_timer.run_in_subprocess(kill_own_process)


def test_vectors_of_other_images_are_not_compared():
    vectors = np.eye(3)
    assert embedding.min_cosine(vectors, vectors[[0, 1, 1]]) == 0
    assert embedding.min_cosine(vectors, vectors[:2]) is None


def test_a_section_is_replaced_and_the_others_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(report, "README", tmp_path / "README.md")
    report.RESULTS.write_text('{"other": 1, "speed": 2}', encoding="utf-8")
    report.README.write_text("a\n<!-- speed -->\nold\n<!-- end -->\nb\n", encoding="utf-8")
    report.publish("speed", {"records": [3]}, ["n"], [[1]])
    results = json.loads(report.RESULTS.read_text(encoding="utf-8"))
    assert (results["other"], results["speed"]["records"]) == (1, [3])
    assert results["speed"]["machine"]["cores"] > 0
    text = report.README.read_text(encoding="utf-8")
    assert text.startswith("a\n<!-- speed -->\n| n |") and text.endswith("\n<!-- end -->\nb\n")
    assert "old" not in text
    with pytest.raises(ValueError, match="has no markers"):
        report.publish("unknown", {}, ["n"], [])


def test_training_is_compared_with_the_bare_pass_and_the_loop():
    steps = [{"trainable": "all", "step_per_second": 9.0, "bare_per_second": 10.0, "ratios": [0.8, 0.9, 1.0]}]
    assert list(training.make_step_rows(steps)) == [["all", "9.0", "10.0", "90.0%", "80.0%, 100.0%"]]
    recalls = {"val_recall": [0.5, 0.7], "test_recall": [0.25, 0.75], "peak": [1.0, 3.0]}
    records = [{"method": "ours", "seconds": [1.0, 3.0]} | recalls]
    records.append({"method": training.LOOP, "seconds": [4.0, 6.0]} | recalls)
    _, ours, loop = training.make_method_rows(records, {"val_recall": 0, "test_recall": 0})
    assert ours == ["ours", "2.0", "3.00 x", "0.6000", "0.5000", "0.2500, 0.7500", "2"]
    assert loop[2] == "1.00 x"


def test_a_fine_tuning_has_interval_seed_range_and_change(monkeypatch):
    monkeypatch.setattr(finetuning_results, "NAMES", {"base": "as it is", "tuned": "trained"})
    shared = {"min": 0.5, "max": 0.75, "ci_low": 0.25, "ci_high": 1.0}
    summaries = [
        {"config_name": name, "metric": "recall", "level": level, "k": k, "mean": k / 10, "n_seeds": n}
        | shared
        for name, n in [("base", 1), ("tuned", 3)]
        for level in MAIN_LEVELS
        for k in finetuning_results.KS
    ]
    gain = {"mean": -3.24, "ci_low": -5.0, "ci_high": 0.0, "n_seeds": 3, "min": 0, "max": 0}
    summaries.append({"config_name": "tuned", "metric": "diff_pp", "level": "species", "k": 1} | gain)
    base, tuned = finetuning_results.make_rows(pl.DataFrame(summaries, strict=False))
    recalls = ["0.100 / 0.500 / 1.000"] * 3
    assert base == ["as it is", *recalls, "0.250 to 1.000", "", ""]
    assert tuned == ["trained", *recalls, "0.250 to 1.000", "0.500 to 0.750", "−3.2 (−5.0 to +0.0)"]
