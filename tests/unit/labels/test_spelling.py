"""Misspellings are repaired; real congeners and rare correct names are not."""

import pytest

from nearkin.labels.spelling import find_confirmed_names, find_misspellings

LIMITS = {"min_count": 2, "max_distance": 2}


@pytest.mark.parametrize(
    "misspelling", ["leucophris", "leucophyrs", "leucohrys", "leucoophrys", "leucopxxys"]
)
def test_one_misspelling_of_a_frequent_name_is_repaired(misspelling):
    counts = {"Zonotrichia leucophrys": 19, f"Zonotrichia {misspelling}": 1}
    assert find_misspellings(counts, **LIMITS)[f"Zonotrichia {misspelling}"][0] == "Zonotrichia leucophrys"


@pytest.mark.parametrize(
    ("frequent", "rare"),
    [
        ("Parus major", "Parus minor"),  # two letters, but short words
        ("Icterus nigripes", "Icterus nigriceps"),  # feet and heads
        ("Aus bimaculata", "Aus trimaculata"),  # two and three spots
        ("Aus ornata", "Aus inornata"),
        ("Aus albus", "Bus alba"),  # another genus
        ("Aus pacificus", "Aus pectoralis"),  # too far
    ],
)
def test_real_congeners_are_unchanged(frequent, rare):
    assert find_misspellings({frequent: 50, rare: 1}, **LIMITS) == {}


def test_a_repeated_name_is_no_misspelling_unless_much_rarer():
    assert find_misspellings({"Aus fasciatus": 19, "Aus fasciotus": 3}, **LIMITS) == {}
    assert find_misspellings({"Aus fasciatus": 20, "Aus fasciotus": 3}, **LIMITS) != {}


def test_a_misspelling_of_two_names_is_not_repaired():
    counts = {"Aus fasciatus": 9, "Aus fasciotis": 9, "Aus fasciotus": 1}
    assert "Aus fasciotus" not in find_misspellings(counts, **LIMITS)


def test_a_rare_name_is_no_correction():
    assert find_misspellings({"Aus fasciatus": 1, "Aus fasciotus": 1}, **LIMITS) == {}
    assert find_misspellings({"Aus fasciatus": 9, "Aus fasciotus": 1}, min_count=10, max_distance=2) == {}
    assert find_misspellings({"Aus fasciatus": 9, "Aus fasciotus": 1}, min_count=2, max_distance=0) == {}


def test_a_file_name_confirms_a_species_name():
    assert find_confirmed_names([("Aus fasciotus", "a/Aus_fasciotus_1.jpg")]) == {"Aus fasciotus"}
    assert find_confirmed_names([("Aus fasciotus", "fasciotus/Aus_fasciatus_1.jpg")]) == set()
