"""Misspelt epithets, known by the frequent names of the same genus, and by a taxonomy."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from rapidfuzz.distance import DamerauLevenshtein
from rapidfuzz.process import cdist

DISTINCT_AFFIXES = [
    ("uni", "bi", "tri", "quadri"),
    ("ceps", "pes", "pus"),
    ("or", "ior"),
    ("sub", ""),
    ("in", ""),
]
"""Parts of epithets that distinguish real species: nigriceps is no misspelt nigripes."""

LETTERS_PER_SLIP = 4
"""An epithet shorter than this many letters a slip is not repaired: minor is no misspelt major."""

EVIDENCE_RATIO = 10
"""A repeated name is a habit, not a slip: each repeat needs this many images of the correct name."""

CHUNK_PAIRS = 2**22
"""Pairs of epithets compared at once, so that memory stays bounded."""


def find_misspellings(
    counts: Mapping[str, int], *, min_count: int, max_distance: int, known: Iterable[str] = frozenset()
) -> dict[str, tuple[str, int]]:
    """The names that are slips for another, by name: the correct name and the letters that differ.

    `counts` has the number of images of each binomial, `known` are the names of a taxonomy. Only a
    name of the same genus that is known or has `min_count` images can be the correct one, and only if
    no other of them is near enough. A known name is no slip; a slip near two real names stays as it
    is, and so does a name that differs by one of DISTINCT_AFFIXES.

    >>> counts = {"Aus albifrons": 30, "Aus albifons": 1, "Aus albiceps": 1, "Aus albipes": 9}
    >>> find_misspellings(counts, min_count=2, max_distance=2)
    {'Aus albifons': ('Aus albifrons', 1)}
    """
    genera: defaultdict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for name in counts:
        genus, epithet = name.split(" ", 1)
        genera[genus][0].add(epithet)
    for name in known:
        genus, epithet = name.split(" ", 1)
        if genus in genera:
            genera[genus][1].add(epithet)
    corrections = {}
    for genus, (used, listed) in sorted(genera.items()):
        frequent = {epithet for epithet in used if counts[f"{genus} {epithet}"] >= min_count}
        models = sorted(frequent | listed)
        doubtful = sorted(used - listed)
        for epithet, near in zip(doubtful, _find_near(doubtful, models, max_distance), strict=True):
            n_images = counts[f"{genus} {epithet}"]
            n_needed = max(min_count, EVIDENCE_RATIO * (n_images - 1), n_images + 1)
            if len(near) == 1:
                distance, correct = near[0]
                if correct in listed or counts[f"{genus} {correct}"] >= n_needed:
                    corrections[f"{genus} {epithet}"] = (f"{genus} {correct}", distance)
    return {name: (to, n) for name, (to, n) in corrections.items() if to not in corrections}


def _find_near(
    epithets: Sequence[str], models: Sequence[str], max_distance: int
) -> Iterator[list[tuple[int, str]]]:
    """For each epithet, (distance, model) of the models within its distance, real pairs left out."""
    if not models:
        yield from ([] for _ in epithets)
        return
    step = max(1, CHUNK_PAIRS // len(models))
    for start in range(0, len(epithets), step):
        part = epithets[start : start + step]
        distances = cdist(
            part, models, scorer=DamerauLevenshtein.distance, score_cutoff=max_distance, dtype=np.uint8
        )
        for epithet, row in zip(part, distances, strict=True):
            allowed = min(max_distance, len(epithet) // LETTERS_PER_SLIP)
            at = np.flatnonzero((row > 0) & (row <= allowed)).tolist()
            yield [(int(row[i]), models[i]) for i in at if not _is_real_pair(epithet, models[i])]


def _is_real_pair(first: str, second: str) -> bool:
    """Whether one of DISTINCT_AFFIXES is all in which two epithets differ."""
    for parts in DISTINCT_AFFIXES:
        for a in parts:
            for b in parts:
                if a != b and (
                    (first.startswith(a) and b + first[len(a) :] == second)
                    or (first.endswith(a) and first[: len(first) - len(a)] + b == second)
                ):
                    return True
    return False


def find_confirmed_names(named_files: Iterable[tuple[str, str]]) -> set[str]:
    """The names that also stand in the file name of such an image: these are no slips.

    `named_files` has pairs of a name and a path. The file `Papilio_inara_1.jpg` confirms `Papilio
    inara`, whatever the frequent name is.
    """
    confirmed: set[str] = set()
    for name, path in named_files:
        if name not in confirmed:
            words = re.split(r"[^a-z-]+", path.rsplit("/", 1)[-1].lower())
            if name.split(" ", 1)[1].lower() in words:
                confirmed.add(name)
    return confirmed
