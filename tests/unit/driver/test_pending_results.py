"""Results that depend on pending outputs of a run."""

import pytest

from nearkin.driver.pending_results import PendingResults

INPUTS = {"b": ["a"], "c": ["b"], "d": ["c", "x"], "y": ["x"]}


@pytest.fixture
def marks(tmp_path, monkeypatch):
    """The marks of a run that makes b, then c; d depends on c, y on another input."""
    monkeypatch.chdir(tmp_path)
    for name in "abcdxy":
        (tmp_path / name).touch()
    return set()


def start_run(marks):
    run = PendingResults(marks.add, marks.remove, marks.intersection)
    run.mark_pending({name: INPUTS[name] for name in "bc"}, INPUTS)
    return run


def test_pending_outputs_and_their_dependents_are_marked(marks):
    start_run(marks)  # and killed
    assert marks == {"b", "c", "d"}


def test_a_run_that_makes_all_or_nothing_removes_its_marks(marks):
    start_run(marks).unmark_finished()
    assert marks == set()


def test_dependents_of_a_missing_output_stay_marked(marks, tmp_path):
    run = start_run(marks)
    (tmp_path / "b").unlink()  # its job failed
    run.unmark_finished()
    assert marks == {"c", "d"}


def test_marks_of_an_earlier_run_stay(marks):
    marks |= {"c", "d", "y"}  # some input of c and d is still missing
    run = start_run(marks)
    run.unmark_finished()
    assert marks == {"c", "d", "y"}
