"""The species of a drawn museum: invented names that parse, genera, and a long tail of images."""

import itertools
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein

CATEGORIES = ("Fish", "Bird", "Butterfly")

_ONSETS = "B Br C Cr D Dr F G Gl H K L M N P Ph Pl Qu R S St T Th Tr V X Z"
_VOWELS = "a e i o u y"
_CODAS = "ld lm lt mb nd nth rc rd rn rv st x l m n r v"
_GENUS_ENDS = {
    "Fish": "ichthys osoma istoma ogaster opterus enchelys odontus orhynchus",
    "Bird": "ornis icola otrupis opasser iphaga ocinclus opitta ospiza",
    "Butterfly": "onympha othea ilepta optera ithyra onias elaria ocharis",
}
_QUALITIES = (
    "albi nigri rubri flavi viridi cyano leuco melano xantho chryso rhodo brevi longi lati angusti "
    "multi pauci uni bi tri quadri crassi tenui pulchri semi"
)
_PARTS = (
    "ventris cauda pennis rostris collis frons ceps fasciatus lineatus punctatus maculatus ocellatus "
    "striatus cinctus notatus gularis dorsalis oculatus marginatus guttatus tinctus zonatus"
)
_COLOURS = "Ashy Bronzed Dusky Golden Hoary Ivory Olive Pallid Plain Rufous Sooty Tawny Umber"
_FIELD_MARKS = "banded barred breasted browed capped collared fronted marked sided tailed throated"
_HABITATS = {
    "Fish": "Bay Brook Cove Kelp Lagoon Reef Sand Shoal Surge Tide",
    "Bird": "Brook Dune Fen Glen Heath Marsh Moss Oak Reed Sedge Thorn",
    "Butterfly": "Dell Fen Fern Glade Gorse Heath Ivy Meadow Nettle Oak Sedge",
}
_KINDS = {
    "Fish": "basslet chub fin gill jack perchlet scale snout tang wrasse",
    "Bird": "bill chat crest finch hopper lark piper tail thrush wren",
    "Butterfly": "argus clipper emperor fritillary glider nymph ringlet satyr sulphur wing",
}


@dataclass(frozen=True)
class Species:
    """One species: its names, its place among the others and how many images it has."""

    number: int
    category: str
    genus_number: int  # within the category
    rank: int  # within the genus, from 0
    genus: str
    epithet: str
    common_name: str
    n_images: int

    @property
    def name(self):
        return f"{self.genus} {self.epithet}"


def taxonomy(seed, n_species, largest_species):
    """The species of a museum, fish first: `n_species` of them over three categories.

    About seven genera for every sixteen species, so most species have congeners. Image
    counts fall from `largest_species` to 2, dealt to the species at random. Epithets of
    one genus, and genera, differ by several letters, so a misspelling stays recognisable.
    """
    rng = np.random.default_rng([seed, 0])
    counts = iter(rng.permutation(image_counts(n_species, largest_species)).tolist())
    genera, common_names, result = set(), set(), []
    for place, category in enumerate(CATEGORIES):
        n_here = n_species // 3 + (place < n_species % 3)
        n_genera = max(1, round(n_here * 7 / 16))
        for genus_number in range(n_genera):
            genus = _genus(rng, category, genera)
            genera.add(genus)
            habitat, kind = _word(rng, _HABITATS[category]), _word(rng, _KINDS[category])
            epithets = []
            for rank in range(n_here // n_genera + (genus_number < n_here % n_genera)):
                epithets.append(_epithet(rng, epithets))
                common = _common_name(rng, habitat + kind, common_names)
                common_names.add(common)
                result.append(
                    Species(
                        len(result), category, genus_number, rank, genus, epithets[-1], common, next(counts)
                    )
                )
    return result


def image_counts(n_species, largest_species):
    """Images per species, largest first: a long tail down to 2.

    >>> image_counts(5, 40)
    [40, 22, 10, 4, 2]
    """
    share = np.linspace(1, 0, n_species) if n_species > 1 else np.ones(1)
    return np.round(2 + (largest_species - 2) * share**2.3).astype(int).tolist()


def _word(rng, words):
    return str(rng.choice(words.split()))


def _genus(rng, category, taken):
    for attempt in itertools.count():
        root = "".join(_word(rng, _ONSETS) + _word(rng, _VOWELS) for _ in range(1 + attempt // 60))
        genus = str(root + _word(rng, _CODAS) + _word(rng, _GENUS_ENDS[category])).capitalize()
        near = 4 if attempt < 30 else 1  # where many genera are crowded, only sameness is ruled out
        if all(Levenshtein.distance(genus, other, score_cutoff=near) >= near for other in taken):
            return genus


def _epithet(rng, taken):
    while True:
        epithet = str(_word(rng, _QUALITIES) + _word(rng, _PARTS))
        if all(Levenshtein.distance(epithet, other) > 4 for other in taken):
            return epithet


def _common_name(rng, kind, taken):
    while True:
        name = f"{_word(rng, _COLOURS)} {_word(rng, _FIELD_MARKS)} {kind}"
        if name not in taken:
            return name
        kind = f"{_word(rng, _COLOURS)} {kind}"
