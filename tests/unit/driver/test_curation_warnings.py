"""The last lines of a run summarise the warnings of the curation."""

import pytest

from nearkin.driver import curation_warnings

TIME = "2026-01-01 10:00:00,000"


@pytest.fixture
def logs(tmp_path):
    def write_log(path, *lines):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("".join(f"{TIME} {line}\n" for line in lines), encoding="utf-8")

    write_log(
        "list_images/d.log",
        "INFO nearkin.sources.walk: 5 files below photos",
        *(f"WARNING nearkin.sources.walk: linked folder not followed: {name}" for name in "abcde"),
        "WARNING py.warnings: lib.py:1: DeprecationWarning: old",
        "WARNING __main__: something odd",
    )
    for shard, n in enumerate([2, 3, 4]):  # the third is of an earlier run with more shards
        write_log(
            f"inspect_images/d/{shard}.log",
            f"WARNING nearkin.images.inspect: files that cannot be used (empty): {n}",
            "WARNING nearkin.images.inspect: files that cannot be used (truncated): 1",
        )
    write_log("list_images/other.log", "WARNING nearkin.sources.walk: not of this dataset")
    write_log("embed_images/d/lite0/0.log", "WARNING nearkin.embeddings.embed: no curation")
    return tmp_path


def test_kinds_are_counted_over_all_shards(logs):
    assert curation_warnings.summarise_warnings("d", range(2), logs) == [
        "list_images: linked folder not followed: a, b, c and 2 more",
        "list_images: something odd",
        "inspect_images: files that cannot be used (empty): 5",
        "inspect_images: files that cannot be used (truncated): 2",
    ]
    assert curation_warnings.summarise_warnings("none", range(2), logs) == []


def test_lines_are_few_and_short_without_terminal_codes(logs):
    lines = [
        f"WARNING nearkin.x: kind {n}: \x1b[2J{'x' * 300}" for n in range(curation_warnings.MAX_KINDS + 5)
    ]
    (logs / "clean_labels").mkdir()
    (logs / "clean_labels/d.log").write_text("".join(f"{TIME} {line}\n" for line in lines), encoding="utf-8")
    messages = curation_warnings.summarise_warnings("d", range(2), logs)
    assert len(messages) == curation_warnings.MAX_KINDS + 1 and messages[-1] == "and 9 more kinds"
    assert messages[4].startswith("clean_labels: kind 0: [2Jxxx") and len(messages[4]) < 230
