"""Misspelt epithets, known by the frequent names of the same genus, and by a taxonomy."""

import re
from collections import defaultdict

import numpy as np
from rapidfuzz.distance import DamerauLevenshtein
from rapidfuzz.process import cdist

ELEMENTS = [("uni", "bi", "tri", "quadri"), ("ceps", "pes", "pus"), ("or", "ior"), ("sub", ""), ("in", "")]
"""Parts of epithets that tell real species apart: nigriceps is no misspelt nigripes."""

LETTERS_PER_SLIP = 4
"""An epithet shorter than this many letters a slip is not repaired: minor is no misspelt major."""

COPIES_OUTWEIGHED = 10
"""A name seen again is a habit, not a slip: each further time asks for this many times the right one."""

COMPARED = 2**22
"""Pairs of epithets compared at once, so that memory stays bounded."""


def spelling_corrections(counts, *, min_count, max_distance, known=frozenset()):
    """The names that are slips for another, by name: the right name and the letters that differ.

    `counts` has the number of images of each binomial, `known` are the names of a taxonomy.
    Only a known or a frequent name of the same genus can be the right one, and only if no
    other of them is as near. A known name is no slip; a slip next to two real names stays
    as it is, and so does a name that a known part of words sets apart.

    >>> counts = {"Aus albifrons": 30, "Aus albifons": 1, "Aus albiceps": 1, "Aus albipes": 9}
    >>> spelling_corrections(counts, min_count=2, max_distance=2)
    {'Aus albifons': ('Aus albifrons', 1)}
    """
    genera = defaultdict(lambda: (set(), set()))
    for name in counts:
        genus, epithet = name.split(" ", 1)
        genera[genus][0].add(epithet)
    for name in known:
        genus, epithet = name.split(" ", 1)
        if genus in genera:
            genera[genus][1].add(epithet)
    found = {}
    for genus, (seen, listed) in sorted(genera.items()):
        frequent = {epithet for epithet in seen if counts[f"{genus} {epithet}"] >= min_count}
        models = sorted(frequent | listed)
        doubtful = sorted(seen - listed)
        for epithet, near in zip(doubtful, _near(doubtful, models, max_distance), strict=True):
            times = counts[f"{genus} {epithet}"]
            needed = max(min_count, COPIES_OUTWEIGHED * (times - 1), times + 1)
            if len(near) == 1:
                distance, right = near[0]
                if right in listed or counts[f"{genus} {right}"] >= needed:
                    found[f"{genus} {epithet}"] = (f"{genus} {right}", distance)
    return {name: right for name, right in found.items() if right[0] not in found}


def _near(epithets, models, max_distance):
    """For each epithet, the models within its distance, with it, if no part of words explains it."""
    if not models:
        yield from ([] for _ in epithets)
        return
    step = max(1, COMPARED // len(models))
    for start in range(0, len(epithets), step):
        part = epithets[start : start + step]
        distances = cdist(
            part, models, scorer=DamerauLevenshtein.distance, score_cutoff=max_distance, dtype=np.uint8
        )
        for epithet, row in zip(part, distances, strict=True):
            allowed = min(max_distance, len(epithet) // LETTERS_PER_SLIP)
            at = np.flatnonzero((row > 0) & (row <= allowed))
            yield [(int(row[i]), models[i]) for i in at if not _real_pair(epithet, models[i])]


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


def confirmed_by_filename(named_files):
    """The names that a file of such an image also carries: then they are no slips.

    `named_files` has pairs of a name and a path. The file `Papilio_inara_1.jpg` speaks for
    `Papilio inara`, whatever the frequent name is.
    """
    found = set()
    for name, path in named_files:
        if name not in found:
            words = re.split(r"[^a-z-]+", path.rsplit("/", 1)[-1].lower())
            if name.split(" ", 1)[1].lower() in words:
                found.add(name)
    return found
