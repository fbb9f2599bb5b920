"""Which species a caption names."""

from nearkin.species_named import Namer

CAPTIONS = [
    "A Big Cus (Aus cus) rests.",
    "Here is the Big Cus (Aus cus).",
    "A photo of Long tailed Big Cus (Aus dus).",
    "A Long tailed Big Cus (Aus dus).",
    "A Once (Aus bus).",
    "A Shared (Aus bus).",
    "A Shared (Aus cus).",
]
NAMER = Namer(
    CAPTIONS,
    ["Aus cus", "Aus cus", "Aus dus", "Aus dus", "Aus bus", "Aus bus", "Aus cus"],
    genera=["Aus"],
)


def test_scientific_names_of_the_dataset():
    assert NAMER.species_in("An Aus bus, not a Xus yus, aus cus or Aus.") == ["Aus bus"]
    assert NAMER.species_in("Aus bus and Aus cus") == ["Aus bus", "Aus cus"]


def test_common_names_that_others_gloss_the_longest_first():
    assert NAMER.species_in("This Big Cus rests.") == ["Aus cus"]
    assert NAMER.species_in("A Long tailed Big Cus rests.") == ["Aus dus"]
    assert NAMER.species_in("A big cus rests.") == []


def test_a_common_name_seen_once_or_shared_tells_nothing():
    assert NAMER.species_in("A Once and a Shared.") == []


def test_another_species_counts_only_without_the_own_one():
    assert NAMER.other_species("A Big Cus (Aus cus).", "Aus bus") == "Aus cus"
    assert NAMER.other_species("An Aus bus like a Big Cus.", "Aus bus") is None
    assert NAMER.other_species("A fish.", "Aus bus") is None
    assert NAMER.other_species("A Big Cus.", None) is None


def test_a_gloss_that_contradicts_the_label_teaches_nothing():
    namer = Namer(["A Big Cus (Aus cus)."] * 3, ["Aus bus"] * 3, genera=["Aus"])
    assert namer.species_in("A Big Cus.") == []
