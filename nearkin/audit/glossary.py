"""What the words for defects and doubts mean, where the evidence of a single row would not say it.

Where all rows of a defect have the same evidence, that is its meaning; it stands where the
repair is made. Here are the others, and what a curator should look at first.
"""

DEFECT_MEANINGS = {
    ("file", "file_mismatch"): "the listed name is not quite the file's",
    ("file", "not_an_image"): "the file is something else than a picture",
    ("file", "too_many_pixels"): "it declares more pixels than the limit allows; never decoded",
    ("file", "truncated"): "the file breaks off before the picture is whole",
    ("file", "unreadable"): "the file cannot be read, or its picture not be decoded",
    ("file", "unlisted_file"): "a file that no table lists",
    ("row", "conflicting_rows"): "rows of one image name different species",
    ("row", "label_conflict"): "the same bytes stand under different species",
    ("name", "ambiguous_synonym"): "the taxonomy takes it for one of several names",
    ("name", "dna_barcode"): "a cluster of DNA instead of a name",
    ("name", "genus_only"): "a genus without a species",
    ("name", "hybrid"): "a cross of two species",
    ("name", "missing"): "no name, though another table has one",
    ("name", "misspelling"): "a slip away from one frequent or accepted name of the same genus",
    ("name", "names_disagree"): "the captions table names another species",
    ("name", "no_name"): "no table has a name",
    ("name", "unparsable"): "the name parser takes it for no name",
    ("name", "not_in_taxonomy"): "the taxonomy does not have the name",
    ("name", "open_nomenclature"): "open nomenclature, such as sp., cf., aff.",
    ("name", "multiple_names"): "more than one species is named",
    ("name", "formatting"): "not written as Genus epithet",
    ("name", "subspecies"): "three words: a subspecies",
    ("name", "synonym"): "the taxonomy takes it for another name",
    ("caption", "other_species"): "the caption names another species than the label",
}
"""By field and defect."""

REVIEW_QUESTIONS = [
    ("name", "misspelling", "#repairs", "names put right after a frequent one: was it a slip each time?"),
    ("name", "synonym", "#repairs", "names that the taxonomy replaced: does your collection agree?"),
    ("name", "ambiguous_synonym", "#repairs", "names that may mean several species: which is meant?"),
    ("name", "names_disagree", "#repairs", "labels kept although the captions table names another species"),
    ("caption", "other_species", "#repairs", "captions of another species: is it they or the label?"),
    ("name", "no_name", "#aside", "images without a name: does somebody know them?"),
    ("file", "missing_file", "#aside", "listed files that are not there: were they forgotten?"),
    ("file", "linked_folder", "#aside", "linked folders, not followed: do their images belong here?"),
    ("file", "broken_link", "#aside", "links that lead nowhere: is their disk there?"),
    ("file", "unlisted_file", "#aside", "files that no table lists: do they belong here?"),
]
"""What a person can tell better, by field and defect: where it is on the page, and the question."""

SPLIT_REASONS = {
    "from_source": "as the delivery's own split says",
    "would_leak": "in no split: it would tie two sides together",
    "follows_group": "new, with images of its group that have a side",
    "from_previous": "as the earlier split says",
    "too_few_groups": "its species has too few groups to be split; all of them train",
    "unseen_species": "new, of a species that is held out",
}
"""Why an image is where it is in the split, other than by lot."""
