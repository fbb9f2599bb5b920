"""What an image can have a name at."""

RANKS = ["kingdom", "phylum", "class", "order", "family", "genus", "species"]
"""Taxonomic ranks, coarse to fine."""

LEVELS = ["category", *RANKS]
"""What a hit can be scored at, coarse to fine."""
