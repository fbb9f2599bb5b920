"""Which images keep, follow or lose a predefined split: against slow, plain code."""

from collections import defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.splits import conflicts, predefined

NAMES = ["Aa x", "Aa y", None, "Bb z", "Cc w"]
PRIORITY = ["test", "unseen_species", "val", "train"]
SPLITS = [*PRIORITY, "excluded"]


class Refused(Exception):
    """What `resolve` says of splits that cannot be resolved."""


def by(rows, key):
    parts = defaultdict(list)
    for row in rows:
        parts[row[key]].append(row)
    return parts.values()


def placed(rows):
    return [row for row in rows if row["split"] not in (None, "excluded")]


def exclude(row, evidence):
    row |= {"split": "excluded", "reason": "would_leak", "evidence": evidence}


def resolve_groups(rows):
    refused = []
    for group in by(rows, "group"):
        anchors = sorted(
            placed(group), key=lambda row: (not row["firm"], PRIORITY.index(row["split"]), row["uuid"])
        )
        if len({row["split"] for row in anchors}) < 2:
            continue
        first = anchors[0] | {}
        other = next((row | {} for row in anchors if row["firm"] and row["split"] != first["split"]), None)
        if other and all(row["firm"] and row in anchors for row in group):
            refused.append((first, other))
        for row in group:
            if other and not row["firm"]:
                exclude(
                    row, f"ties {first['uuid']} in {first['split']} to {other['uuid']} in {other['split']}"
                )
            elif not other and row in anchors and not row["firm"] and row["split"] != first["split"]:
                told = f"delivered as {row['split']}, in one group with {first['uuid']} in {first['split']}"
                exclude(row, told)
    if refused:
        first, other = refused[0]
        raise Refused(
            f"{first['uuid']} is in {first['split']} of the previous split and {other['uuid']} in "
            f"{other['split']}, but they are one group now and no new image ties them ({len(refused)} such"
        )


def resolve_species(rows):
    refused = []
    for species in by(rows, "species"):
        name = species[0]["name"]
        anchors = sorted(
            placed(species),
            key=lambda row: (not row["firm"], row["split"] == "unseen_species", row["uuid"]),
        )
        is_unseen = [row["split"] == "unseen_species" for row in anchors]
        if name is None or len(set(is_unseen)) < 2:
            continue
        first = anchors[0] | {}
        against = [row for row, unseen in zip(anchors, is_unseen, strict=True) if unseen != is_unseen[0]]
        if torn := [row["uuid"] for row in against if row["firm"]]:
            refused.append((min(row["row"] for row in anchors), first, torn[0], name))
        for row in against:
            told = f"delivered as {row['split']}, but {name} has {first['uuid']} in {first['split']}"
            exclude(row, told)
    if refused:
        _, first, other, name = min(refused, key=lambda one: one[0])
        raise Refused(
            f"{first['uuid']} is in {first['split']} of the previous split and {other} in unseen_species, "
            f"but both are {name} now ({len(refused)} such species)"
        )


def resolve_newcomers(rows):
    held_out = {row["name"] for row in rows if row["split"] == "unseen_species"} - {None}
    for group in by(rows, "group"):
        mates = placed(group)
        new = [row for row in group if row["split"] is None]
        names = {row["name"] for row in new} - {None}
        out, others = sorted(names & held_out), sorted(names - held_out)
        mate = min((row["uuid"] for row in mates), default=None)
        for row in new:
            name = row["name"]
            if mates:
                side = mates[0]["split"]
                if name and (name in held_out) != (side == "unseen_species"):
                    message = "is held out" if name in held_out else "is not held out"
                    exclude(row, f"in one group with {mate} in {side}, but {name} {message}")
                else:
                    told = f"in one group with {mate}"
                    row |= {"split": side, "reason": "follows_group", "evidence": told}
            elif out and others:
                exclude(row, f"ties {out[0]}, which is held out, to {others[0]}")
            elif out:
                row |= {"split": "unseen_species", "reason": "unseen_species", "evidence": out[0]}


@st.composite
def studies(draw):
    n = draw(st.integers(1, 18))
    numbers = st.lists(st.integers(0, 4), min_size=n, max_size=n)
    told = st.none() | st.tuples(st.sampled_from(SPLITS), st.booleans())
    sides = draw(st.lists(told, min_size=n, max_size=n))
    return draw(numbers), draw(numbers), sides


@settings(max_examples=1000, deadline=None)
@given(studies())
def test_resolved_splits_are_those_of_slow_and_plain_code(study):
    groups, species, sides = study
    images = pl.DataFrame(
        {"uuid": [f"u{i:02}" for i in range(len(sides))], "group": groups, "species": species}
    )
    told = [
        (uuid, *side, "why", f"evidence of {uuid}")
        for uuid, side in zip(images["uuid"], sides, strict=True)
        if side
    ]
    predefined_splits = pl.DataFrame(told, schema=predefined.COLUMNS, orient="row")
    names = pl.DataFrame({"species": range(5), "name": NAMES})
    nothing = {"split": None, "firm": False, "reason": None, "evidence": None}
    known = {row["uuid"]: row for row in predefined_splits.iter_rows(named=True)}
    rows = [
        nothing | {"row": i, "name": NAMES[row["species"]]} | row | known.get(row["uuid"], {})
        for i, row in enumerate(images.iter_rows(named=True))
    ]
    try:
        for step in (resolve_groups, resolve_species, resolve_newcomers):
            step(rows)
    except Refused as refused:
        with pytest.raises(ValueError, match="previous split") as caught:
            conflicts.resolve_predefined(images, predefined_splits, names)
        assert str(refused) in str(caught.value)
        return
    found = conflicts.resolve_predefined(images, predefined_splits, names)
    columns = ["uuid", "group", "species", "split", "reason", "evidence"]
    assert found.columns == columns
    assert found.rows() == [tuple(row[name] for name in columns) for row in rows]


def refused(groups, species, sides):
    """The error for locked splits of the images a, b, c, ... of species Aa x, Aa y, ..."""
    uuids = [chr(ord("a") + i) for i in range(len(sides))]
    images = pl.DataFrame({"uuid": uuids, "group": groups, "species": species})
    told = [(uuid, side, True, None, None) for uuid, side in zip(uuids, sides, strict=True)]
    given = pl.DataFrame(told, schema=predefined.COLUMNS, orient="row")
    names = pl.DataFrame({"species": range(6), "name": [f"Aa {letter}" for letter in "xyzuvw"]})
    with pytest.raises(ValueError, match="previous split") as caught:
        conflicts.resolve_predefined(images, given, names)
    return str(caught.value)


def test_of_several_groups_that_span_splits_the_first_is_named():
    sides = ["train", "test", "train", "test", "val", "val", "test"]
    message = refused([1, 1, 0, 0, 0, 2, 2], [0, 0, 1, 1, 1, 2, 2], sides)
    assert message.startswith("b is in test of the previous split and a in train, but they are one group now")
    assert "(3 such groups)" in message
    message = refused([1, 0, 1, 0], [0, 1, 0, 1], ["train", "val", "test", "unseen_species"])
    assert message.startswith("c is in test of the previous split and a in train")


def test_the_first_species_both_held_out_and_trained_is_named():
    sides = ["train", "unseen_species", "test", "unseen_species", "unseen_species"]
    message = refused(range(5), [3, 3, 1, 1, 1], sides)
    assert message.startswith(
        "a is in train of the previous split and b in unseen_species, but both are Aa u"
    )
    assert "(2 such species)" in message
    sides = ["train", "test", "unseen_species", "unseen_species"]
    assert "but both are Aa u now" in refused(range(4), [3, 1, 3, 1], sides)
    sides = ["unseen_species", "unseen_species", "train"]
    assert "and a in unseen_species" in refused(range(3), [0, 0, 0], sides)


def test_of_several_species_in_a_new_group_the_first_by_name_counts():
    names = pl.DataFrame({"species": [0, 1, 2, 3], "name": ["Aa x", "Aa y", "Aa z", "Aa w"]})
    told = [(uuid, "unseen_species", True, None, None) for uuid in "ab"]
    given = pl.DataFrame(told, schema=predefined.COLUMNS, orient="row")
    rows = [("a", 0, 1), ("b", 1, 0), ("c", 2, 0), ("d", 2, 1)]
    rows += [("e", 3, 0), ("f", 3, 1), ("g", 3, 2), ("h", 3, 3)]
    images = pl.DataFrame(rows, schema=["uuid", "group", "species"], orient="row")
    found = conflicts.resolve_predefined(images, given, names)
    assert found["evidence"].to_list()[2:4] == ["Aa x"] * 2
    assert found["split"].to_list()[4:] == ["excluded"] * 4
    assert found["evidence"].to_list()[4:] == ["ties Aa x, which is held out, to Aa w"] * 4


def test_the_log_says_what_was_not_assigned_at_random(caplog):
    caplog.set_level("INFO")
    letters = "abcdefgh"
    images = pl.DataFrame({"uuid": [*letters, "new"], "group": range(9), "species": [0] * 9})
    told = [(uuid, "train", True, f"reason {uuid}", None) for uuid in reversed(letters)]
    given = pl.DataFrame([*told, ("gone", "val", True, None, None)], schema=predefined.COLUMNS, orient="row")
    conflicts.resolve_predefined(images, given, pl.DataFrame({"species": [0], "name": ["Aa x"]}))
    assert "9 images with a predefined split, 1 of them not kept any more" in caplog.text
    assert caplog.messages[-1] == f"not at random: {', '.join(f'1 reason {uuid} train' for uuid in letters)}"
