"""Which species a caption names, by its scientific name or by a common name learned from other captions."""

import re
from collections import Counter, defaultdict

LONGEST = 6
"""Words of a common name."""

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
GLOSS = re.compile(
    r"\b(?i:an?|the|of|shows|showing)\s+([A-Z][^().,;:!?]{1,60}?)\s*\(([A-Z][a-z-]+ [a-z-]+)\)"
)


class Namer:
    """Finds the species that captions name.

    Common names are learned where a caption glosses one with the species of its own label,
    as in `a Horned Grebe (Podiceps auritus)`, at least `min_count` times, and only if
    it stands for one species alone.
    """

    def __init__(self, captions, species, *, genera, min_count=2):
        self._species = {name for name in species if name}
        self._genera = set(genera)
        glosses = defaultdict(Counter)
        for caption, own in zip(captions, species, strict=True):
            for common, named in GLOSS.findall(caption) if own else ():
                if named == own:
                    glosses[tuple(WORD.findall(common))][own] += 1
        self._common = {
            words: next(iter(named))
            for words, named in glosses.items()
            if words and len(words) <= LONGEST and len(named) == 1 and named.total() >= min_count
        }

    def species_in(self, text):
        """The species of this dataset that a text names, sorted; longer common names before shorter ones."""
        words = WORD.findall(text)
        found, at = set(), 0
        while at < len(words):
            step = 1
            if words[at][0].isupper():
                name, length = self._at(words, at)
                if name:
                    found.add(name)
                    step = length
            at += step
        return sorted(found)

    def other_species(self, text, own):
        """A species that the text names while it does not name `own`; None if there is none.

        `own` may be None (only the genus is known); then nothing is another species.
        """
        named = self.species_in(text) if own else []
        return None if own in named or not named else named[0]

    def _at(self, words, at):
        if words[at] in self._genera and at + 1 < len(words):
            name = f"{words[at]} {words[at + 1]}"
            if name in self._species:
                return name, 2
        for length in range(LONGEST, 0, -1):
            name = self._common.get(tuple(words[at : at + length])) if at + length <= len(words) else None
            if name:
                return name, length
        return None, 1
