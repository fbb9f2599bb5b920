"""What an earlier run made, kept beside an output."""

import os

from nearkin.storage.reuse import earlier_path, keep_for_reuse


def written(path, text):
    path.write_text(text)
    keep_for_reuse(path)
    return earlier_path(path)


def test_what_is_kept_needs_no_room_and_outlives_the_output(tmp_path):
    path = tmp_path / "0.parquet"
    kept = written(path, "one")
    assert kept.samefile(path)
    keep_for_reuse(path)  # as a rerun that changed nothing
    path.unlink()
    assert kept.read_text() == "one"
    assert written(path, "two").read_text() == "two"
    assert [file.name for file in kept.parent.iterdir()] == ["0.parquet"]


def test_without_hard_links_a_copy_is_kept(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError(1, "no hard links")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "0.parquet"
    kept = written(path, "one")
    assert kept.read_text() == "one" and not kept.samefile(path)


def test_where_nothing_can_be_kept_the_output_stays(tmp_path, caplog):
    path = tmp_path / "0.parquet"
    (tmp_path / ".reuse").write_text("a file where the folder would be")
    path.write_text("one")
    keep_for_reuse(path)
    assert path.read_text() == "one" and "not kept for reuse" in caplog.text
