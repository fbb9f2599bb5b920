"""The species that a caption names apart from its own."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.captions.mention_context import CONTEXT_WORDS
from nearkin.captions.species_mentions import SpeciesMentionFinder

SPECIES = ["Aus bus", "Aus cus", "Aus dus", "Xus longus", "Xus brevis"]
CAPTIONS = [
    ("A Big Cus (Aus cus) rests.", "Aus cus"),
    ("Here is the Big Cus (Aus cus).", "Aus cus"),
    ("A photo of Long tailed Big Cus (Aus dus).", "Aus dus"),
    ("A Long-tailed Big Cus (Aus dus).", "Aus dus"),
    ("A Once (Aus bus).", "Aus bus"),
    ("A Shared (Aus bus).", "Aus bus"),
    ("A Shared (Aus cus).", "Aus cus"),
    ("A Shared (Aus cus).", "Aus cus"),
    *[("A Wrong Xus (Xus longus).", "Xus brevis")] * 3,
]


def make_table(rows):
    """Captions from rows of text, species, and optionally common name and raw name."""
    rows = [(*row, None, None)[:4] for row in rows]
    names = ["text", "species", "common_name", "raw_name"]
    captions = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return captions.with_row_index("at")


def make_finder(captions=CAPTIONS, common=None):
    labels = make_table([("", name, (common or {}).get(name)) for name in SPECIES])
    labels = labels.with_columns(genus=pl.col("species").str.head(3), category=pl.lit("Bird"))
    return SpeciesMentionFinder(
        labels,
        [make_table(captions)],
        unlabelled=pl.Series(["Yus solus", "Yus sp.", "Yus a x b", "YUS TOTUS"]),
    )


def find_other(text, own="Aus bus", common=None, as_delivered=None, finder=None):
    mentions = (finder or make_finder()).find_other_species(make_table([(text, own, common, as_delivered)]))
    return mentions["other"].to_list()[0] if len(mentions) else None


@pytest.mark.parametrize(
    "name",
    [
        "Aus cus",
        "AUS CUS",
        "aus cus",
        "Aus_cus",
        "Aus\u00a0cus",
        "*Aus cus*",
        "A. cus",
        "A.cus",
        "Aus cus cus",
    ],
)
def test_scientific_names_in_any_form(name):
    assert find_other(f"A photo of {name}, seen from the side.") == "Aus cus"


def test_a_text_without_another_species_of_the_dataset():
    for text in ["A bird.", "An Aus bus.", "A Xus yus.", "An Aus.", "Aus cusus, Xaus cus", "Aus. B. C. us"]:
        assert find_other(text) is None
    assert find_other("An Aus cus.", own=None) is None


def test_a_species_whose_images_are_all_quarantined():
    assert find_other("A Yus solus.") == "Yus solus"
    assert [find_other(f"A {name}.") for name in ("Yus sp", "Yus a", "Yus totus")] == [None] * 3


def test_a_text_that_also_names_its_own_species_is_accepted():
    assert find_other("An Aus bus, unlike Aus cus.") is None
    assert find_other("A. bus beside a Big Cus.") is None
    assert find_other("A Little Bus behind a Big Cus", common="Little Bus") is None
    assert find_other("The Vus bus is an Aus cus?", as_delivered="Vus bus Linnaeus, 1758") is None


def test_an_initial_may_stand_for_several_species():
    assert find_other("An X. brevis.") == "Xus brevis"
    assert find_other("An X. brevis.", own="Xus brevis") is None


def test_common_names_explained_in_captions_the_longest_first():
    assert find_other("This Big Cus rests.") == "Aus cus"
    assert find_other("A Long-tailed Big Cus rests.", own="Aus cus") == "Aus dus"
    assert find_other("A Long tailed Big Cu\u2019s.") == "Aus dus"


def test_a_common_name_explained_once_or_for_two_is_no_evidence():
    assert [find_other(f"Here is a {name}.") for name in ("Once", "Shared", "Wrong Xus")] == [None] * 3


def test_common_names_of_the_labels():
    finder = make_finder(
        [], common={"Aus cus": "red-backed cus", "Aus dus": "Same", "Xus longus": "Same", "Xus brevis": "Xus"}
    )
    assert find_other("A Red backed Cus.", finder=finder) == "Aus cus"
    assert find_other("A Same or a Xus.", finder=finder) is None


def test_a_part_of_a_longer_name_is_no_name():
    assert [find_other(f"A {name}.") for name in ("Big Cus-like bird", "Very Big Cus", "Big Cus Hawk")] == [
        None
    ] * 3
    assert find_other("A Xus Hawk. Big Cus. Hawk.") == "Aus cus"


@pytest.mark.parametrize("word", sorted(CONTEXT_WORDS))
def test_a_species_next_to_or_like_the_subject_is_ignored(word):
    assert find_other(f"A bird {word} an Aus cus.") is None
    assert find_other(f"A bird {word} Big Cus.") is None


def test_lower_case_counts_if_its_use_is_nearly_always_correct():
    correct_uses, wrong_uses = [("A big cus rests.", "Aus cus")] * 10, [("A big cus rests.", "Aus bus")]
    assert find_other("A big cus.", finder=make_finder(CAPTIONS + correct_uses + wrong_uses)) == "Aus cus"
    assert find_other("A big cus.", finder=make_finder(CAPTIONS + correct_uses + wrong_uses * 3)) is None
    assert find_other("A big cus.") is None


def test_a_phrase_used_for_many_species_is_no_name():
    frequent_uses = [("Its Big Cus is red.", "Aus bus")] * 5
    assert find_other("A Big Cus.", finder=make_finder(CAPTIONS + frequent_uses)) is None


def test_no_names_at_all():
    labels = make_table([("", None)]).with_columns(genus=pl.lit("Aus"), category=pl.lit("Bird"))
    finder = SpeciesMentionFinder(labels, [], unlabelled=pl.Series([], dtype=pl.String))
    assert finder.find_other_species(make_table([("An Aus bus.", "Aus bus")])).is_empty()


def find_word_by_word(text, own):
    """The first other species not next to the subject, unless the own species is named; word by word."""
    words, position, mentions = text.lower().split(), 0, []
    while position < len(words):
        name = next(
            (name for name in SPECIES if name.lower().split() == words[position : position + 2]), None
        )
        if name:
            before = words[:position]
            if before and before[-1] == "the":
                before = before[:-1]
            mentions.append((name, bool(before) and before[-1] in CONTEXT_WORDS))
        position += 2 if name else 1
    if own in [name for name, _ in mentions]:
        return None
    return next((name for name, is_context in mentions if not is_context), None)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(["Aus", "bus", "cus", "Xus", "longus", "the", "like", "red"])),
    st.sampled_from(SPECIES),
)
def test_it_finds_names_like_a_search_word_by_word(words, own):
    text = " ".join(words)
    assert (find_other(text, own) is None) == (find_word_by_word(text, own) is None)
