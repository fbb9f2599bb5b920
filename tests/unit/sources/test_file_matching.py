"""A listed name matches its file, and only if no other file could match."""

import os
from pathlib import PurePosixPath

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.sources.file_matching import MATCH_LEVELS, Matcher, _normalise_unicode
from nearkin.sources.safe_paths import escapes_folder

NO_CLAIMS = pl.Series(dtype=pl.String)


def match_names(files, *listed, claimed=NO_CLAIMS):
    """The path and the kind of match of each listed name."""
    table = Matcher(files).find(pl.Series(listed, dtype=pl.String), claimed)
    return {name: (path, match) for name, path, match in table.iter_rows()}


@pytest.mark.parametrize(
    ("name", "on_disk", "match"),
    [
        ("a.jpg", "a.jpg", "exact"),
        ("--x.jpg", "--x.jpg", "exact"),
        ("a.jpg", "a.JPG", "extension"),
        ("a.jpeg", "a.png", "extension"),
        ("a", "a.png", "extension"),
        ("A.jpg", "a.jpg", "case"),
        ("a b.jpg ", "a_b.jpg", "case"),
        ("a%20b.jpg", "a b.jpg", "case"),
        ("caf\u00e9.jpg", "cafe\u0301.jpg", "unicode"),
        ("chunk_1/a.jpg", "a.jpg", "exact"),
        ("chunk_1\\a.jpg", "a.jpg", "exact"),
        ("./a.jpg", "a.jpg", "exact"),
    ],
)
def test_a_listed_name_finds_its_file(name, on_disk, match):
    path = f"datasets/Fish/chunk_1/{on_disk}"
    assert match_names([path, "datasets/Fish/chunk_1/other.jpg"], name) == {name: (path, match)}


def test_an_exact_name_wins_and_two_equal_matches_are_ambiguous():
    assert match_names(["1/a.jpg", "1/a.JPG"], "a.jpg") == {"a.jpg": ("1/a.jpg", "exact")}
    assert match_names(["1/a.png", "1/a.JPG"], "a.jpg") == {"a.jpg": (None, "ambiguous")}
    files = ["1/a.jpg", "2/a.jpg"]
    assert match_names(files, "a.jpg", "2/a.jpg") == {
        "a.jpg": (None, "ambiguous"),
        "2/a.jpg": ("2/a.jpg", "exact"),
    }


@pytest.mark.parametrize(
    "name", ["../a.jpg", "/etc/passwd", "..\\a.jpg", "C:\\a.jpg", "chunk_0/../../../a.jpg", "..", "1/.."]
)
def test_a_name_that_leaves_the_folder_is_outside(name):
    assert match_names(["1/a.jpg"], name) == {name: (None, "outside_folder")}


def test_a_claimed_file_matches_no_other_name():
    names = pl.Series(["a.png", "a.jpg"])
    claimed = Matcher(["a.png"]).exact(names)
    assert claimed.to_list() == ["a.png"]
    assert match_names(["a.png"], *names, claimed=claimed) == {
        "a.png": ("a.png", "exact"),
        "a.jpg": (None, "missing"),
    }


def match_slowly(files, listed, claimed):
    """The match by comparison with every file."""
    if escapes_folder(listed):
        return None, "outside_folder"
    folders, name = os.path.split(listed.replace("\\", "/"))
    folders = _normalise_unicode(folders).strip().removeprefix(".").removeprefix("/")
    for match, key in MATCH_LEVELS.items():
        candidates = [
            path
            for path in files
            if key(PurePosixPath(path).name) == key(name)
            and f"/{_normalise_unicode(os.path.dirname(path))}".endswith(f"/{folders}" if folders else "")
            and (match == "exact" or path not in claimed)
        ]
        if candidates:
            return (candidates[0], match) if len(candidates) == 1 else (None, "ambiguous")
    return None, "missing"


FOLDERS = st.lists(st.sampled_from(["1", "2", "\u00e9", "e\u0301", "a b"]), max_size=3)
STEMS = st.sampled_from(["a", "A", "a b", "a_b", "a%20b", "\u00e9", "e\u0301", "a.", ".."])
SUFFIXES = st.sampled_from([".jpg", ".JPG", ".png", "", ".txt"])
FILES = st.tuples(FOLDERS, STEMS.filter(lambda stem: stem != ".."), SUFFIXES)
NAMES = st.tuples(st.sampled_from(["", "./", "/", "x//", "C:"]), FILES | st.tuples(FOLDERS, STEMS, SUFFIXES))


def join_path(parts):
    folders, stem, suffix = parts
    return "/".join([*folders, stem + suffix])


@settings(deadline=None, max_examples=300)
@given(
    st.sets(FILES.map(join_path)), st.sets(NAMES.map(lambda name: name[0] + join_path(name[1])), min_size=1)
)
def test_it_matches_like_a_comparison_with_every_file(files, names):
    names = sorted(names)
    claimed = {
        path for path, match in (match_slowly(sorted(files), name, ()) for name in names) if match == "exact"
    }
    exact_matches = Matcher(sorted(files)).exact(pl.Series(names))
    assert set(exact_matches) == claimed
    assert match_names(sorted(files), *names, claimed=exact_matches) == {
        n: match_slowly(sorted(files), n, claimed) for n in names
    }
