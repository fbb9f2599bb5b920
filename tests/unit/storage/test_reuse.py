"""Copies of earlier outputs, kept for reuse."""

import os

from nearkin.storage.reuse import earlier_path, keep_for_reuse


def write_and_keep(path, text):
    path.write_text(text)
    keep_for_reuse(path)
    return earlier_path(path)


def test_the_kept_copy_is_a_hard_link_that_outlives_the_output(tmp_path):
    path = tmp_path / "0.parquet"
    copy = write_and_keep(path, "one")
    assert copy.samefile(path)
    keep_for_reuse(path)  # as a rerun that changed nothing
    path.unlink()
    assert copy.read_text() == "one"
    assert write_and_keep(path, "two").read_text() == "two"
    assert [file.name for file in copy.parent.iterdir()] == ["0.parquet"]


def test_without_hard_links_a_copy_is_kept(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError(1, "no hard links")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "0.parquet"
    copy = write_and_keep(path, "one")
    assert copy.read_text() == "one" and not copy.samefile(path)


def test_the_output_stays_if_no_copy_can_be_kept(tmp_path, caplog):
    path = tmp_path / "0.parquet"
    (tmp_path / ".reuse").write_text("a file where the folder would be")
    path.write_text("one")
    keep_for_reuse(path)
    assert path.read_text() == "one" and "not kept for reuse" in caplog.text
