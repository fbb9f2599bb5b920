"""What the words for defects and split reasons mean, and what a curator should review first.

Where all rows of a defect have the same reason, that is its meaning, and it is defined with the
repair. The others are here.
"""

DEFECT_MEANINGS = {
    ("file", "file_mismatch"): "the listed name is not exactly the file's",
    ("file", "not_an_image"): "the file is not an image",
    ("file", "too_many_pixels"): "it declares more pixels than the limit allows; never decoded",
    ("file", "truncated"): "the file ends before the image is complete",
    ("file", "unreadable"): "the file cannot be read, or its image cannot be decoded",
    ("file", "unlisted_file"): "a file that no table lists",
    ("row", "conflicting_rows"): "rows of one image name different species",
    ("row", "label_conflict"): "files with the same bytes have different species",
    ("name", "ambiguous_synonym"): "a synonym of several names in the taxonomy",
    ("name", "dna_barcode"): "a DNA barcode cluster instead of a name",
    ("name", "genus_only"): "a genus without a species",
    ("name", "hybrid"): "a cross of two species",
    ("name", "missing"): "no name, but another table has one",
    ("name", "misspelling"): "a typo away from exactly one frequent or accepted name of the same genus",
    ("name", "names_disagree"): "the captions table names another species",
    ("name", "no_name"): "no table has a name",
    ("name", "unparsable"): "the name parser does not recognise it as a name",
    ("name", "not_in_taxonomy"): "the taxonomy does not have the name",
    ("name", "open_nomenclature"): "open nomenclature, such as sp., cf., aff.",
    ("name", "multiple_names"): "more than one species is named",
    ("name", "formatting"): "not written as Genus epithet",
    ("name", "subspecies"): "three words: a subspecies",
    ("name", "synonym"): "a synonym of another name in the taxonomy",
    ("caption", "other_species"): "the caption names another species than the label",
}
"""By field and defect."""

REVIEW_QUESTIONS = [
    ("name", "misspelling", "#repairs", "names corrected to a frequent one: was each of them a typo?"),
    ("name", "synonym", "#repairs", "names that the taxonomy replaced: does your collection agree?"),
    ("name", "ambiguous_synonym", "#repairs", "names that may mean several species: which one is it?"),
    ("name", "names_disagree", "#repairs", "labels kept although the captions table names another species"),
    (
        "caption",
        "other_species",
        "#repairs",
        "captions of another species: is the caption or the label wrong?",
    ),
    ("name", "no_name", "#quarantine", "images without a name: can somebody identify them?"),
    ("file", "missing_file", "#quarantine", "listed files that are missing: were they forgotten?"),
    ("file", "linked_folder", "#quarantine", "linked folders, not followed: do their images belong here?"),
    ("file", "broken_link", "#quarantine", "links without a target: is their disk mounted?"),
    ("file", "unlisted_file", "#quarantine", "files that no table lists: do they belong here?"),
]
"""What a person can decide better than a program: field, defect, section of the page, and question."""

SPLIT_REASONS = {
    "from_source": "as in the delivery's own split",
    "would_leak": "excluded: it would link two splits",
    "follows_group": "new, in the split of its group",
    "from_previous": "as in the previous split",
    "too_few_groups": "its species has too few groups to be split; all of them are in train",
    "unseen_species": "new, of a held-out species",
}
"""Why an image is in its split, if it was not assigned at random."""
