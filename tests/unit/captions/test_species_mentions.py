"""Which other species than its own a caption names."""

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


def table(rows):
    """Captions from a text, the label's species, and perhaps its common name and name as delivered."""
    rows = [(*row, None, None)[:4] for row in rows]
    names = ["text", "species", "common_name", "raw_name"]
    captions = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return captions.with_row_index("at")


def namer(captions=CAPTIONS, common=None):
    labels = table([("", name, (common or {}).get(name)) for name in SPECIES])
    labels = labels.with_columns(genus=pl.col("species").str.head(3), category=pl.lit("Bird"))
    return SpeciesMentionFinder(
        labels, [table(captions)], unlabelled=pl.Series(["Yus solus", "Yus sp.", "Yus a x b", "YUS TOTUS"])
    )


def other(text, own="Aus bus", common=None, as_delivered=None, names=None):
    found = (names or namer()).find_other_species(table([(text, own, common, as_delivered)]))
    return found["other"].to_list()[0] if len(found) else None


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
    assert other(f"A photo of {name}, seen from the side.") == "Aus cus"


def test_a_text_without_another_species_of_the_dataset():
    for text in ["A bird.", "An Aus bus.", "A Xus yus.", "An Aus.", "Aus cusus, Xaus cus", "Aus. B. C. us"]:
        assert other(text) is None
    assert other("An Aus cus.", own=None) is None


def test_a_species_whose_images_are_all_quarantined():
    assert other("A Yus solus.") == "Yus solus"
    assert [other(f"A {name}.") for name in ("Yus sp", "Yus a", "Yus totus")] == [None] * 3


def test_a_text_that_names_its_own_species_too_is_fine():
    assert other("An Aus bus, unlike Aus cus.") is None
    assert other("A. bus beside a Big Cus.") is None
    assert other("A Little Bus behind a Big Cus", common="Little Bus") is None
    assert other("The Vus bus is an Aus cus?", as_delivered="Vus bus Linnaeus, 1758") is None


def test_an_initial_may_stand_for_several_species():
    assert other("An X. brevis.") == "Xus brevis"
    assert other("An X. brevis.", own="Xus brevis") is None


def test_common_names_that_captions_explain_the_longest_first():
    assert other("This Big Cus rests.") == "Aus cus"
    assert other("A Long-tailed Big Cus rests.", own="Aus cus") == "Aus dus"
    assert other("A Long tailed Big Cu\u2019s.") == "Aus dus"


def test_a_common_name_explained_once_or_for_two_is_no_evidence():
    assert [other(f"Here is a {name}.") for name in ("Once", "Shared", "Wrong Xus")] == [None] * 3


def test_common_names_of_the_labels():
    names = namer(
        [], common={"Aus cus": "red-backed cus", "Aus dus": "Same", "Xus longus": "Same", "Xus brevis": "Xus"}
    )
    assert other("A Red backed Cus.", names=names) == "Aus cus"
    assert other("A Same or a Xus.", names=names) is None


def test_a_part_of_a_longer_name_is_no_name():
    assert [other(f"A {name}.") for name in ("Big Cus-like bird", "Very Big Cus", "Big Cus Hawk")] == [
        None
    ] * 3
    assert other("A Xus Hawk. Big Cus. Hawk.") == "Aus cus"


@pytest.mark.parametrize("word", sorted(CONTEXT_WORDS))
def test_what_is_next_to_or_like_the_subject_is_not_it(word):
    assert other(f"A bird {word} an Aus cus.") is None
    assert other(f"A bird {word} Big Cus.") is None


def test_small_letters_count_where_the_use_is_nearly_always_right():
    right, wrong = [("A big cus rests.", "Aus cus")] * 10, [("A big cus rests.", "Aus bus")]
    assert other("A big cus.", names=namer(CAPTIONS + right + wrong)) == "Aus cus"
    assert other("A big cus.", names=namer(CAPTIONS + right + wrong * 3)) is None
    assert other("A big cus.") is None


def test_a_phrase_that_is_used_everywhere_is_no_name():
    everywhere = [("Its Big Cus is red.", "Aus bus")] * 5
    assert other("A Big Cus.", names=namer(CAPTIONS + everywhere)) is None


def test_no_names_at_all():
    labels = table([("", None)]).with_columns(genus=pl.lit("Aus"), category=pl.lit("Bird"))
    nobody = SpeciesMentionFinder(labels, [], unlabelled=pl.Series([], dtype=pl.String))
    assert nobody.find_other_species(table([("An Aus bus.", "Aus bus")])).is_empty()


def reference(text, own):
    """Word by word: the first other species that is not next to the subject, unless the own one is named."""
    words, at, found = text.lower().split(), 0, []
    while at < len(words):
        name = next((name for name in SPECIES if name.lower().split() == words[at : at + 2]), None)
        if name:
            before = words[:at]
            if before and before[-1] == "the":
                before = before[:-1]
            found.append((name, bool(before) and before[-1] in CONTEXT_WORDS))
        at += 2 if name else 1
    if own in [name for name, _ in found]:
        return None
    return next((name for name, beside in found if not beside), None)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(["Aus", "bus", "cus", "Xus", "longus", "the", "like", "red"])),
    st.sampled_from(SPECIES),
)
def test_names_are_found_as_word_by_word(words, own):
    text = " ".join(words)
    assert (other(text, own) is None) == (reference(text, own) is None)
