"""The species of the synthetic dataset: invented names that parse, genera, and a long tail of images."""

from collections.abc import Collection
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
    """One species: its names, its number and genus, and how many images it has."""

    number: int
    category: str
    genus_number: int  # within the category
    rank: int  # within the genus, from 0
    genus: str
    epithet: str
    common_name: str
    n_images: int

    @property
    def name(self) -> str:
        """The binomial."""
        return f"{self.genus} {self.epithet}"


def draw_taxonomy(seed: int, n_species: int, largest_species: int) -> list[Species]:
    """The species of the dataset, fish first: `n_species` of them over three categories.

    About seven genera for every sixteen species, so most species have congeners. Image
    counts fall from `largest_species` to 2, assigned to the species at random. Epithets of
    one genus, and genera, differ by several letters, so a misspelling stays recognisable.
    """
    rng = np.random.default_rng([seed, 0])
    counts = iter(rng.permutation(image_counts(n_species, largest_species)).tolist())
    genera: set[str] = set()
    common_names: set[str] = set()
    result: list[Species] = []
    for index, category in enumerate(CATEGORIES):
        n_here = n_species // 3 + (index < n_species % 3)
        n_genera = max(1, round(n_here * 7 / 16))
        for genus_number in range(n_genera):
            genus = _draw_genus(rng, category, genera)
            genera.add(genus)
            habitat, kind = _draw_word(rng, _HABITATS[category]), _draw_word(rng, _KINDS[category])
            epithets: list[str] = []
            for rank in range(n_here // n_genera + (genus_number < n_here % n_genera)):
                epithets.append(_draw_epithet(rng, epithets))
                common = _draw_common_name(rng, habitat + kind, common_names)
                common_names.add(common)
                result.append(
                    Species(
                        len(result), category, genus_number, rank, genus, epithets[-1], common, next(counts)
                    )
                )
    return result


def image_counts(n_species: int, largest_species: int) -> list[int]:
    """Images per species, largest first: a long tail down to 2.

    >>> image_counts(5, 40)
    [40, 22, 10, 4, 2]
    """
    share = np.linspace(1, 0, n_species) if n_species > 1 else np.ones(1)
    return np.round(2 + (largest_species - 2) * share**2.3).astype(int).tolist()


def _draw_word(rng: np.random.Generator, words: str) -> str:
    return str(rng.choice(words.split()))


def _draw_genus(rng: np.random.Generator, category: str, taken: Collection[str]) -> str:
    attempt = 0
    while True:
        root = "".join(_draw_word(rng, _ONSETS) + _draw_word(rng, _VOWELS) for _ in range(1 + attempt // 60))
        genus = (root + _draw_word(rng, _CODAS) + _draw_word(rng, _GENUS_ENDS[category])).capitalize()
        # Letters that differ; where genera are many and alike, only equal names are excluded.
        min_distance = 4 if attempt < 30 else 1
        distances = (Levenshtein.distance(genus, other, score_cutoff=min_distance) for other in taken)
        if all(distance >= min_distance for distance in distances):
            return genus
        attempt += 1


def _draw_epithet(rng: np.random.Generator, taken: Collection[str]) -> str:
    while True:
        epithet = _draw_word(rng, _QUALITIES) + _draw_word(rng, _PARTS)
        if all(Levenshtein.distance(epithet, other) > 4 for other in taken):
            return epithet


def _draw_common_name(rng: np.random.Generator, kind: str, taken: Collection[str]) -> str:
    while True:
        name = f"{_draw_word(rng, _COLOURS)} {_draw_word(rng, _FIELD_MARKS)} {kind}"
        if name not in taken:
            return name
        kind = f"{_draw_word(rng, _COLOURS)} {kind}"
