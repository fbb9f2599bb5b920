"""The parts of the benchmarks that could be wrong without anybody noticing."""

import json
import os
import signal

import numpy as np
import polars as pl
import pytest

from benchmarks import beside, embedding, fine_tunings, fresh, neighbours, report, training
from benchmarks.ways.search import WAYS, without_self


def test_the_query_is_taken_out_or_else_the_last():
    found = np.array([[0, 1, 2], [2, 1, 0], [0, 1, 3]])
    assert without_self(found, 2).tolist() == [[1, 2], [2, 0], [0, 1]]


@pytest.mark.parametrize("way", ["faiss", "reference_study"])
def test_the_peers_search_as_they_should(way):
    vectors = neighbours.vectors("clustered", 200)
    expected = np.argsort(-(vectors @ vectors.T - 2 * np.eye(200)), axis=1)[:, :3]
    assert np.array_equal(WAYS[way]()(vectors, 3), expected)


def test_vectors_of_a_cluster_are_alike():
    vectors = neighbours.vectors("clustered", 100)
    cosines = vectors @ vectors.T
    assert cosines[0, 2] == pytest.approx(0.8, abs=0.1)
    assert abs(cosines[0, 1]) < 0.2


def test_ways_take_turns_and_give_medians():
    asked, seconds = [], iter([3.0, 9.0, 1.0, 9.0, 2.0, 9.0])

    def way(name):
        asked.append(name)
        return {"seconds": next(seconds)}

    found = beside.medians({name: lambda name=name: way(name) for name in "ab"}, repeats=3)
    assert asked == ["a", "b"] * 3
    assert found == {"a": {"seconds": 2.0}, "b": {"seconds": 9.0}}


def test_a_kernel_is_forced_only_where_the_processor_has_it(tmp_path, monkeypatch):
    everything = ["sse2", "fma", "avx2", "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"]
    assert neighbours.kernels(everything) == ["", "Haswell", "SkylakeX", "Zen"]
    assert neighbours.kernels(["sse2", "avx2", "fma"]) == ["", "Haswell", "Zen"]
    assert neighbours.kernels(everything[:-1]) == ["", "Haswell", "Zen"]
    assert neighbours.kernels(["asimd"]) == [""]
    (tmp_path / "cpuinfo").write_text("model name\t: Old\nflags\t\t: sse2 avx2 fma\n", encoding="utf-8")
    monkeypatch.setattr(report, "CPUINFO", tmp_path / "cpuinfo")
    tried = {}
    monkeypatch.setattr(neighbours, "ask", lambda *given: tried.setdefault(given[-1], {"seconds": 1.0}))
    neighbours.better_blas(10, 1, tmp_path)
    assert list(tried) == ["", "Haswell", "Zen"]


def test_peers_that_are_not_installed_are_left_out_by_name(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(beside, "CACHE", tmp_path / ".bench")
    ways = {"ours": None, "theirs": "search", "another": "clip_retrieval"}
    assert beside.installed(ways) == ["ours"]
    assert capsys.readouterr().out == "left out, for they are not installed in .bench/: theirs, another\n"
    (tmp_path / ".bench/search").mkdir(parents=True)
    pins = (beside.HERE / "peers/search.txt").read_bytes()
    (tmp_path / ".bench/search/installed.txt").write_bytes(pins)
    assert beside.installed(ways) == ["ours", "theirs"]
    (tmp_path / ".bench/search/installed.txt").write_bytes(b"of yesterday")
    assert beside.installed(ways) == ["ours"]


def killing_itself():
    os.kill(os.getpid(), signal.SIGILL)


def test_a_process_that_dies_says_by_which_signal(tmp_path, monkeypatch):
    (tmp_path / "dies.py").write_text("import os; os.kill(os.getpid(), 4)", encoding="utf-8")
    monkeypatch.setattr(beside, "HERE", tmp_path / "here")
    with pytest.raises(RuntimeError, match=r"dies, KERNEL=Zen was ended by SIGILL \(Illegal instruction\)"):
        beside.ask("dies", settings={"KERNEL": "Zen"})
    with pytest.raises(RuntimeError, match="killing_itself.* was ended by SIGILL"):
        fresh.run(killing_itself)


def test_sets_of_other_images_are_not_compared():
    vectors = np.eye(3)
    assert embedding.least_cosine(vectors, vectors[[0, 1, 1]]) == 0
    assert embedding.least_cosine(vectors, vectors[:2]) is None


def test_a_section_is_replaced_and_the_others_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(report, "README", tmp_path / "README.md")
    report.RESULTS.write_text('{"other": 1, "speed": 2}', encoding="utf-8")
    report.README.write_text("a\n<!-- speed -->\nold\n<!-- end -->\nb\n", encoding="utf-8")
    report.publish("speed", {"found": [3]}, ["n"], [[1]])
    written = json.loads(report.RESULTS.read_text(encoding="utf-8"))
    assert (written["other"], written["speed"]["found"]) == (1, [3])
    assert written["speed"]["machine"]["cores"] > 0
    text = report.README.read_text(encoding="utf-8")
    assert text.startswith("a\n<!-- speed -->\n| n |") and text.endswith("\n<!-- end -->\nb\n")
    assert "old" not in text
    with pytest.raises(ValueError, match="has no marks"):
        report.publish("unheard of", {}, ["n"], [])


def test_training_is_told_beside_the_bare_pass_and_the_plain_loop():
    steps = [{"trainable": "all", "step_per_second": 9.0, "bare_per_second": 10.0, "ratios": [0.8, 0.9, 1.0]}]
    assert list(training.rows_of_steps(steps)) == [["all", "9.0", "10.0", "90.0%", "80.0%, 100.0%"]]
    recalls = {"val_recall": [0.5, 0.7], "test_recall": [0.25, 0.75], "peak": [1.0, 3.0]}
    records = [{"way": "ours", "seconds": [1.0, 3.0]} | recalls]
    records.append({"way": training.LOOP, "seconds": [4.0, 6.0]} | recalls)
    _, ours, loop = training.rows_of_ways(records, {"val_recall": 0, "test_recall": 0})
    assert ours == ["ours", "2.0", "3.00 x", "0.6000", "0.5000", "0.2500, 0.7500", "2"]
    assert loop[2] == "1.00 x"


def test_a_fine_tuning_is_told_with_its_interval_its_seeds_and_its_change(monkeypatch):
    monkeypatch.setattr(fine_tunings, "NAMES", {"base": "as it is", "tuned": "trained"})
    shared = {"min": 0.5, "max": 0.75, "ci_low": 0.25, "ci_high": 1.0}
    rows = [
        {"config_name": name, "metric": "recall", "level": level, "k": k, "mean": k / 10, "n_seeds": n}
        | shared
        for name, n in [("base", 1), ("tuned", 3)]
        for level in fine_tunings.LEVELS
        for k in fine_tunings.KS
    ]
    gain = {"mean": -3.24, "ci_low": -5.0, "ci_high": 0.0, "n_seeds": 3, "min": 0, "max": 0}
    rows.append({"config_name": "tuned", "metric": "diff_pp", "level": "species", "k": 1} | gain)
    base, tuned = fine_tunings.rows(pl.DataFrame(rows, strict=False))
    recalls = ["0.100 / 0.500 / 1.000"] * 3
    assert base == ["as it is", *recalls, "0.250 to 1.000", "", ""]
    assert tuned == ["trained", *recalls, "0.250 to 1.000", "0.500 to 0.750", "−3.2 (−5.0 to +0.0)"]
