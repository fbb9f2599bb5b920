"""Results that hang on what a run has yet to make."""

import pytest

from nearkin.driver.pending_results import PendingResults

MADE_FROM = {"b": ["a"], "c": ["b"], "d": ["c", "x"], "y": ["x"]}


@pytest.fixture
def marks(tmp_path, monkeypatch):
    """The marks of a run that makes b, and c after it; d was made of c, y of something else."""
    monkeypatch.chdir(tmp_path)
    for name in "abcdxy":
        (tmp_path / name).touch()
    return set()


def begun(marks):
    run = PendingResults(marks.add, marks.remove, marks.intersection)
    run.mark_pending({name: MADE_FROM[name] for name in "bc"}, MADE_FROM)
    return run


def test_what_is_to_be_made_and_what_hangs_on_it_is_marked(marks):
    begun(marks)  # and killed
    assert marks == {"b", "c", "d"}


def test_a_run_that_made_all_or_nothing_takes_its_marks_off(marks):
    begun(marks).unmark_finished()
    assert marks == set()


def test_what_hangs_on_an_output_that_is_gone_stays_marked(marks, tmp_path):
    run = begun(marks)
    (tmp_path / "b").unlink()  # its job failed
    run.unmark_finished()
    assert marks == {"c", "d"}


def test_marks_of_an_earlier_run_stay(marks):
    marks |= {"c", "d", "y"}  # some input of c and d is still missing
    run = begun(marks)
    run.unmark_finished()
    assert marks == {"c", "d", "y"}
