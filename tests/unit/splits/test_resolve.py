"""Which images keep, follow or lose a predefined split, compared with a slow reference."""

from collections import defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.splits import conflicts, predefined

NAMES = ["Aa x", "Aa y", None, "Bb z", "Cc w"]
PRIORITY = ["test", "unseen_species", "val", "train"]
SPLITS = [*PRIORITY, "excluded"]


class UnresolvableError(Exception):
    """The message of `resolve` about splits that cannot be resolved."""


def group_rows(rows, key):
    parts = defaultdict(list)
    for row in rows:
        parts[row[key]].append(row)
    return parts.values()


def select_assigned(rows):
    return [row for row in rows if row["split"] not in (None, "excluded")]


def exclude(row, evidence):
    row |= {"split": "excluded", "reason": "would_leak", "evidence": evidence}


def resolve_groups(rows):
    failures = []
    for group in group_rows(rows, "group"):
        anchors = sorted(
            select_assigned(group),
            key=lambda row: (not row["is_locked"], PRIORITY.index(row["split"]), row["uuid"]),
        )
        if len({row["split"] for row in anchors}) < 2:
            continue
        first = anchors[0] | {}
        other = next(
            (row | {} for row in anchors if row["is_locked"] and row["split"] != first["split"]), None
        )
        if other and all(row["is_locked"] and row in anchors for row in group):
            failures.append((first, other))
        for row in group:
            if other and not row["is_locked"]:
                exclude(
                    row, f"ties {first['uuid']} in {first['split']} to {other['uuid']} in {other['split']}"
                )
            elif not other and row in anchors and not row["is_locked"] and row["split"] != first["split"]:
                evidence = (
                    f"delivered as {row['split']}, in one group with {first['uuid']} in {first['split']}"
                )
                exclude(row, evidence)
    if failures:
        first, other = failures[0]
        raise UnresolvableError(
            f"{first['uuid']} is in {first['split']} of the previous split and {other['uuid']} in "
            f"{other['split']}, but they are one group now and no new image ties them ({len(failures)} such"
        )


def resolve_species(rows):
    failures = []
    for species in group_rows(rows, "species"):
        name = species[0]["name"]
        anchors = sorted(
            select_assigned(species),
            key=lambda row: (not row["is_locked"], row["split"] == "unseen_species", row["uuid"]),
        )
        is_unseen = [row["split"] == "unseen_species" for row in anchors]
        if name is None or len(set(is_unseen)) < 2:
            continue
        first = anchors[0] | {}
        against = [row for row, unseen in zip(anchors, is_unseen, strict=True) if unseen != is_unseen[0]]
        if locked_against := [row["uuid"] for row in against if row["is_locked"]]:
            failures.append((min(row["row"] for row in anchors), first, locked_against[0], name))
        for row in against:
            evidence = f"delivered as {row['split']}, but {name} has {first['uuid']} in {first['split']}"
            exclude(row, evidence)
    if failures:
        _, first, other, name = min(failures, key=lambda conflict: conflict[0])
        raise UnresolvableError(
            f"{first['uuid']} is in {first['split']} of the previous split and {other} in unseen_species, "
            f"but both are {name} now ({len(failures)} such species)"
        )


def resolve_newcomers(rows):
    held_out = {row["name"] for row in rows if row["split"] == "unseen_species"} - {None}
    for group in group_rows(rows, "group"):
        members = select_assigned(group)
        new = [row for row in group if row["split"] is None]
        names = {row["name"] for row in new} - {None}
        held_out_names, others = sorted(names & held_out), sorted(names - held_out)
        first_member = min((row["uuid"] for row in members), default=None)
        for row in new:
            name = row["name"]
            if members:
                split = members[0]["split"]
                if name and (name in held_out) != (split == "unseen_species"):
                    problem = "is held out" if name in held_out else "is not held out"
                    exclude(row, f"in one group with {first_member} in {split}, but {name} {problem}")
                else:
                    evidence = f"in one group with {first_member}"
                    row |= {"split": split, "reason": "follows_group", "evidence": evidence}
            elif held_out_names and others:
                exclude(row, f"ties {held_out_names[0]}, which is held out, to {others[0]}")
            elif held_out_names:
                row |= {"split": "unseen_species", "reason": "unseen_species", "evidence": held_out_names[0]}


@st.composite
def draw_study(draw):
    n = draw(st.integers(1, 18))
    numbers = st.lists(st.integers(0, 4), min_size=n, max_size=n)
    assignment = st.none() | st.tuples(st.sampled_from(SPLITS), st.booleans())
    assignments = draw(st.lists(assignment, min_size=n, max_size=n))
    return draw(numbers), draw(numbers), assignments


@settings(max_examples=1000, deadline=None)
@given(draw_study())
def test_resolved_splits_equal_the_slow_reference(study):
    groups, species, assignments = study
    images = pl.DataFrame(
        {"uuid": [f"u{i:02}" for i in range(len(assignments))], "group": groups, "species": species}
    )
    assigned = [
        (uuid, *assignment, "why", f"evidence of {uuid}")
        for uuid, assignment in zip(images["uuid"], assignments, strict=True)
        if assignment
    ]
    predefined_splits = pl.DataFrame(assigned, schema=predefined.COLUMNS, orient="row")
    names = pl.DataFrame({"species": range(5), "name": NAMES})
    blank = {"split": None, "is_locked": False, "reason": None, "evidence": None}
    predefined_rows = {row["uuid"]: row for row in predefined_splits.iter_rows(named=True)}
    rows = [
        blank | {"row": i, "name": NAMES[row["species"]]} | row | predefined_rows.get(row["uuid"], {})
        for i, row in enumerate(images.iter_rows(named=True))
    ]
    try:
        for step in (resolve_groups, resolve_species, resolve_newcomers):
            step(rows)
    except UnresolvableError as refusal:
        with pytest.raises(ValueError, match="previous split") as caught:
            conflicts.resolve_predefined(images, predefined_splits, names)
        assert str(refusal) in str(caught.value)
        return
    resolved = conflicts.resolve_predefined(images, predefined_splits, names)
    columns = ["uuid", "group", "species", "split", "reason", "evidence"]
    assert resolved.columns == columns
    assert resolved.rows() == [tuple(row[name] for name in columns) for row in rows]


def resolve_error(groups, species, splits):
    """The error for locked splits of the images a, b, c, ... of species Aa x, Aa y, ..."""
    uuids = [chr(ord("a") + i) for i in range(len(splits))]
    images = pl.DataFrame({"uuid": uuids, "group": groups, "species": species})
    rows = [(uuid, split, True, None, None) for uuid, split in zip(uuids, splits, strict=True)]
    predefined_splits = pl.DataFrame(rows, schema=predefined.COLUMNS, orient="row")
    names = pl.DataFrame({"species": range(6), "name": [f"Aa {letter}" for letter in "xyzuvw"]})
    with pytest.raises(ValueError, match="previous split") as caught:
        conflicts.resolve_predefined(images, predefined_splits, names)
    return str(caught.value)


def test_the_first_of_several_leaking_groups_is_reported():
    splits = ["train", "test", "train", "test", "val", "val", "test"]
    message = resolve_error([1, 1, 0, 0, 0, 2, 2], [0, 0, 1, 1, 1, 2, 2], splits)
    assert message.startswith("b is in test of the previous split and a in train, but they are one group now")
    assert "(3 such groups)" in message
    message = resolve_error([1, 0, 1, 0], [0, 1, 0, 1], ["train", "val", "test", "unseen_species"])
    assert message.startswith("c is in test of the previous split and a in train")


def test_the_first_species_both_held_out_and_trained_is_reported():
    splits = ["train", "unseen_species", "test", "unseen_species", "unseen_species"]
    message = resolve_error(range(5), [3, 3, 1, 1, 1], splits)
    assert message.startswith(
        "a is in train of the previous split and b in unseen_species, but both are Aa u"
    )
    assert "(2 such species)" in message
    splits = ["train", "test", "unseen_species", "unseen_species"]
    assert "but both are Aa u now" in resolve_error(range(4), [3, 1, 3, 1], splits)
    splits = ["unseen_species", "unseen_species", "train"]
    assert "and a in unseen_species" in resolve_error(range(3), [0, 0, 0], splits)


def test_the_first_species_by_name_counts_in_a_new_group():
    names = pl.DataFrame({"species": [0, 1, 2, 3], "name": ["Aa x", "Aa y", "Aa z", "Aa w"]})
    held_out = [(uuid, "unseen_species", True, None, None) for uuid in "ab"]
    predefined_splits = pl.DataFrame(held_out, schema=predefined.COLUMNS, orient="row")
    rows = [("a", 0, 1), ("b", 1, 0), ("c", 2, 0), ("d", 2, 1)]
    rows += [("e", 3, 0), ("f", 3, 1), ("g", 3, 2), ("h", 3, 3)]
    images = pl.DataFrame(rows, schema=["uuid", "group", "species"], orient="row")
    resolved = conflicts.resolve_predefined(images, predefined_splits, names)
    assert resolved["evidence"].to_list()[2:4] == ["Aa x"] * 2
    assert resolved["split"].to_list()[4:] == ["excluded"] * 4
    assert resolved["evidence"].to_list()[4:] == ["ties Aa x, which is held out, to Aa w"] * 4


def test_the_log_counts_images_not_assigned_at_random(caplog):
    caplog.set_level("INFO")
    letters = "abcdefgh"
    images = pl.DataFrame({"uuid": [*letters, "new"], "group": range(9), "species": [0] * 9})
    rows = [(uuid, "train", True, f"reason {uuid}", None) for uuid in reversed(letters)]
    predefined_splits = pl.DataFrame(
        [*rows, ("gone", "val", True, None, None)], schema=predefined.COLUMNS, orient="row"
    )
    conflicts.resolve_predefined(images, predefined_splits, pl.DataFrame({"species": [0], "name": ["Aa x"]}))
    assert "9 images with a predefined split, 1 of them not kept any more" in caplog.text
    assert caplog.messages[-1] == f"not at random: {', '.join(f'1 reason {uuid} train' for uuid in letters)}"
