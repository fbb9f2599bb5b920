"""What is kept beside results about their making, and what it finds out later."""

import json
import os

import pytest

from nearkin.driver import provenance

ONE, TWO, PIXELS, FOLDER = (f"results/d/{name}" for name in ("one", "m/two", "pixels/p/0.arrow", "drawn"))


def record(rule, end, **inputs):
    empty = dict.fromkeys(provenance.RECORD_KEYS)
    return empty | {"rule": rule, "starttime": end - 1, "endtime": end, "input_checksums": inputs}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """The records of four results, made one after the other."""
    monkeypatch.chdir(tmp_path)
    for i, path in enumerate([ONE, PIXELS, TWO, f"{FOLDER}/{provenance.TIMESTAMP_NAME}"]):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(path)
        os.utime(path, (100 + i * 10,) * 2)
    seen = {ONE: provenance.compute_checksum(ONE), PIXELS: provenance.compute_checksum(PIXELS)}
    with open(f"{FOLDER}/a.png", "w", encoding="utf-8") as file:
        file.write("drawn")
    return {
        ONE: record("make_one", 100),
        PIXELS: record("make_pixels", 110),
        TWO: record("make_two", 120, **seen),
        FOLDER: record("draw", 130),
    }


def written(made):
    provenance.write_provenance("results/d", made.get)
    return {line["path"]: line for line in provenance.read_provenance("results/d")}


def test_every_result_has_a_line_and_is_as_made(made):
    lines = written(made)
    assert sorted(lines) == sorted(made)
    assert {path: line["checksum"] for path, line in lines.items()} == {
        path: provenance.compute_checksum(path) for path in made
    }
    assert provenance.list_changed(lines.values()) == []


@pytest.mark.parametrize("path", [ONE, TWO, f"{FOLDER}/a.png"])
def test_a_changed_byte_is_noticed_and_a_lost_file_is_not_changed(made, path):
    lines = written(made)
    with open(path, "a", encoding="utf-8") as file:
        file.write("!")
    assert provenance.list_changed(lines.values()) == [path.removesuffix("/a.png")]
    os.remove(path)
    assert provenance.list_changed(lines.values()) == ([] if path != f"{FOLDER}/a.png" else [FOLDER])


def test_pixels_given_back_are_no_change(made):
    lines = written(made)
    os.truncate(PIXELS, 0)
    assert provenance.list_changed(lines.values()) == []


def test_results_changed_after_they_were_made_have_no_line(made):
    before = written(made)
    for path in (ONE, TWO):
        with open(path, "a", encoding="utf-8") as file:
            file.write("!")
    assert written(made) == before
    os.remove("results/d/provenance.jsonl")
    assert sorted(written(made)) == sorted({ONE, PIXELS, FOLDER})  # what made TWO saw ONE as it was


def test_a_file_that_is_only_marked_as_incomplete_has_no_line(made):
    made[TWO] = dict.fromkeys(provenance.RECORD_KEYS) | {"starttime": 119, "incomplete": True}
    assert sorted(written(made)) == sorted({ONE, PIXELS, FOLDER})


def test_what_is_made_anew_gets_a_new_checksum(made):
    before = written(made)
    with open(TWO, "w", encoding="utf-8") as file:
        file.write("two again")
    os.utime(TWO, (140, 140))
    made[TWO]["endtime"] = 140
    assert written(made)[TWO]["checksum"] == provenance.compute_checksum(TWO) != before[TWO]["checksum"]


@pytest.mark.parametrize("path", ["/etc/passwd", "results/d/../x", "results/e/one"])
def test_a_line_about_something_elsewhere_is_refused(made, path):
    provenance.write_provenance("results/d", made.get)
    with open("results/d/provenance.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps({"path": path, "checksum": "", "record": {}}))
    with pytest.raises(ValueError, match=r"provenance.jsonl.*is not in results/d/"):
        provenance.read_provenance("results/d")
