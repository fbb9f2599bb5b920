"""The provenance that is stored with results, and the changes that it detects."""

import json
import os

import pytest

from nearkin.driver import provenance

ONE, TWO, PIXELS, FOLDER = (f"results/d/{name}" for name in ("one", "m/two", "pixels/p/0.arrow", "drawn"))


def make_record(rule, end, **inputs):
    empty = dict.fromkeys(provenance.RECORD_KEYS)
    return empty | {"rule": rule, "starttime": end - 1, "endtime": end, "input_checksums": inputs}


@pytest.fixture
def records(tmp_path, monkeypatch):
    """The records of four results, made in sequence."""
    monkeypatch.chdir(tmp_path)
    for i, path in enumerate([ONE, PIXELS, TWO, f"{FOLDER}/{provenance.TIMESTAMP_NAME}"]):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(path)
        os.utime(path, (100 + i * 10,) * 2)
    checksums = {ONE: provenance.compute_checksum(ONE), PIXELS: provenance.compute_checksum(PIXELS)}
    with open(f"{FOLDER}/a.png", "w", encoding="utf-8") as file:
        file.write("drawn")
    return {
        ONE: make_record("make_one", 100),
        PIXELS: make_record("make_pixels", 110),
        TWO: make_record("make_two", 120, **checksums),
        FOLDER: make_record("draw", 130),
    }


def write_lines(records):
    provenance.write_provenance("results/d", records.get)
    return {line["path"]: line for line in provenance.read_provenance("results/d")}


def test_every_result_has_a_line_and_is_unchanged(records):
    lines = write_lines(records)
    assert sorted(lines) == sorted(records)
    assert {path: line["checksum"] for path, line in lines.items()} == {
        path: provenance.compute_checksum(path) for path in records
    }
    assert provenance.list_changed(lines.values()) == []


@pytest.mark.parametrize("path", [ONE, TWO, f"{FOLDER}/a.png"])
def test_a_changed_byte_is_detected_and_a_missing_file_is_not_changed(records, path):
    lines = write_lines(records)
    with open(path, "a", encoding="utf-8") as file:
        file.write("!")
    assert provenance.list_changed(lines.values()) == [path.removesuffix("/a.png")]
    os.remove(path)
    assert provenance.list_changed(lines.values()) == ([] if path != f"{FOLDER}/a.png" else [FOLDER])


def test_an_emptied_pixel_cache_is_no_change(records):
    lines = write_lines(records)
    os.truncate(PIXELS, 0)
    assert provenance.list_changed(lines.values()) == []


def test_results_changed_after_they_were_made_have_no_line(records):
    before = write_lines(records)
    for path in (ONE, TWO):
        with open(path, "a", encoding="utf-8") as file:
            file.write("!")
    assert write_lines(records) == before
    os.remove("results/d/provenance.jsonl")
    assert sorted(write_lines(records)) == sorted({ONE, PIXELS, FOLDER})  # TWO was made from the earlier ONE


def test_a_file_that_is_marked_as_incomplete_has_no_line(records):
    records[TWO] = dict.fromkeys(provenance.RECORD_KEYS) | {"starttime": 119}
    assert sorted(write_lines(records)) == sorted({ONE, PIXELS, FOLDER})


def test_a_result_that_is_made_again_gets_a_new_checksum(records):
    before = write_lines(records)
    with open(TWO, "w", encoding="utf-8") as file:
        file.write("two again")
    os.utime(TWO, (140, 140))
    records[TWO]["endtime"] = 140
    assert (
        write_lines(records)[TWO]["checksum"] == provenance.compute_checksum(TWO) != before[TWO]["checksum"]
    )


@pytest.mark.parametrize("path", ["/etc/passwd", "results/d/../x", "results/e/one"])
def test_a_line_about_a_path_outside_is_refused(records, path):
    provenance.write_provenance("results/d", records.get)
    with open("results/d/provenance.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps({"path": path, "checksum": "", "record": {}}))
    with pytest.raises(ValueError, match=r"provenance.jsonl.*is not in results/d/"):
        provenance.read_provenance("results/d")
