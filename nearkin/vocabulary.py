"""The words that tables, config and pages share. It imports nothing."""

RANKS = ["kingdom", "phylum", "class", "order", "family", "genus", "species"]
"""Taxonomic ranks, coarse to fine."""

LEVELS = ["category", *RANKS]
"""Levels at which a hit can be scored, coarse to fine."""

MAIN_LEVELS = ["category", "genus", "species"]
"""The levels of the reference study, which pages and figures show, coarse to fine."""

LABEL = ["category", "label"]
"""The columns that together name a label."""

SPLITS = ["train", "val", "test", "unseen_species"]
"""The parts of a dataset."""

EXCLUDED = "excluded"
"""The split of an image that would leak between two others."""

PROTOCOL_SPLITS = {
    "leave_one_out": ("test", "test"),
    "train_gallery": ("test", "train"),
    "unseen_species": ("unseen_species", "unseen_species"),
}
"""By protocol: the splits of the queries and of the gallery."""

PROTOCOLS = list(PROTOCOL_SPLITS)

ALL = "all"
"""Stands for everything: all categories, labels or splits together. No category can have this name."""

NONE = ""
"""The category of an image that has none."""

CATEGORY_ORDER = ["Bird", "Butterfly", "Fish"]
"""The reference study's categories in its order; others follow by name."""

MIN_LABELS = 6
"""Labels that an answer needs: if all of five rise, the signed-rank test still has p = 2 / 2**5 > 0.05."""

PLURALS = {"species": "species", "genus": "genera", "query": "queries", "category": "categories"}
"""By singular: plurals that do not just add an s."""
