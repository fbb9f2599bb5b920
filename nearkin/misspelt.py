"""Misspelt epithets, known by the frequent names of the same genus."""

import re
from collections import defaultdict

from rapidfuzz.distance import DamerauLevenshtein

ELEMENTS = [("uni", "bi", "tri", "quadri"), ("ceps", "pes", "pus"), ("or", "ior"), ("sub", ""), ("in", "")]
"""Parts of epithets that tell real species apart: nigriceps is no misspelt nigripes."""

LETTERS_PER_SLIP = 4
"""An epithet shorter than this many letters a slip is not repaired: minor is no misspelt major."""

COPIES_OUTWEIGHED = 10
"""A name seen again is a habit, not a slip: each further time asks for this many times the right one."""


def corrections(counts, *, min_count, max_distance):
    """The names that are slips for another, by name: the right name and the letters that differ.

    `counts` has the number of images of each binomial. Only a frequent name of the same
    genus can be the right one, and only if no other of them is as near. A slip next to two
    real names stays as it is, and so does a name that a known part of words sets apart.

    >>> counts = {"Aus albifrons": 30, "Aus albifons": 1, "Aus albiceps": 1, "Aus albipes": 9}
    >>> corrections(counts, min_count=2, max_distance=2)
    {'Aus albifons': ('Aus albifrons', 1)}
    """
    genera = defaultdict(list)
    for name in sorted(counts):
        genus, epithet = name.split(" ", 1)
        genera[genus].append(epithet)
    found = {}
    for genus, epithets in genera.items():
        frequent = [epithet for epithet in epithets if counts[f"{genus} {epithet}"] >= min_count]
        for epithet in epithets:
            seen = counts[f"{genus} {epithet}"]
            needed = max(min_count, COPIES_OUTWEIGHED * (seen - 1), seen + 1)
            allowed = min(max_distance, len(epithet) // LETTERS_PER_SLIP)
            near = _near(epithet, frequent, allowed) if allowed else []
            if len(near) == 1 and counts[f"{genus} {near[0][1]}"] >= needed:
                distance, right = near[0]
                found[f"{genus} {epithet}"] = (f"{genus} {right}", distance)
    return {name: right for name, right in found.items() if right[0] not in found}


def _near(epithet, frequent, allowed):
    """Other epithets within this distance, with it, if no part of words explains the difference."""
    near = []
    for other in frequent:
        distance = DamerauLevenshtein.distance(epithet, other, score_cutoff=allowed)
        if 0 < distance <= allowed and not _real_pair(epithet, other):
            near.append((distance, other))
    return near


def _real_pair(first, second):
    for parts in ELEMENTS:
        for a in parts:
            for b in parts:
                if a != b and (
                    (first.startswith(a) and b + first[len(a) :] == second)
                    or (first.endswith(a) and first[: len(first) - len(a)] + b == second)
                ):
                    return True
    return False


def confirmed(slips, named_files):
    """The names in `slips` that a file of such an image also carries: then it is no slip.

    `named_files` has pairs of a name and a path. The file `Papilio_inara_1.jpg` speaks for
    `Papilio inara`, whatever the frequent name is.
    """
    found = set()
    for name, path in named_files:
        if name in slips:
            words = re.split(r"[^a-z-]+", path.rsplit("/", 1)[-1].lower())
            if name.split(" ", 1)[1].lower() in words:
                found.add(name)
    return found
