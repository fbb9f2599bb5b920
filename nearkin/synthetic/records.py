"""The contents of a clean delivery: one entry per picture, with its file name, label and caption."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from nearkin.synthetic.captions import make_caption
from nearkin.synthetic.taxonomy import Species

N_CHUNKS = 3
NAMED_SHARE = 0.6
"""Share of the captions that name the species."""


@dataclass(frozen=True)
class Entry:
    """One delivered picture, or a row without one, and the truth about it."""

    species: Species
    specimen: int  # within the species; what the picture shows
    view: int
    path: str | None  # on disk, relative to the delivery
    listed: str | None  # name in the metadata table; None: in no table
    labels: tuple[str, ...]  # scientific names in the metadata, one per row
    caption: str | None  # None: no row in the captions table
    raw_name_in_captions: str
    treatment: str = ""  # what was done to the file's content
    defect: str = "none"
    outcome: str = "kept"
    as_delivered: str = ""
    correct: str = ""
    note: str = ""

    @property
    def category(self) -> str:
        """The category of the species."""
        return self.species.category


def clean_entries(species: Iterable[Species], seed: int) -> list[Entry]:
    """The entries of all species, in order. Every species has at least two specimens.

    A fish specimen is a video track of up to four frames, a bird up to three photos, a
    butterfly a dorsal and often a ventral view. The file names say so, each category in
    its own convention.
    """
    result = []
    for each in species:
        rng = np.random.default_rng([seed, 6, each.number])
        for specimen, n_views in enumerate(_draw_view_counts(rng, each)):
            for view, stem in enumerate(_make_stems(rng, each, specimen, n_views)):
                result.append(make_record(rng, each, specimen, view, stem))
    return result


def make_record(rng: np.random.Generator, species: Species, specimen: int, view: int, stem: str) -> Entry:
    """A clean entry: its label is right, and it has a path, a listed name and a caption."""
    name = stem + (".png" if species.category == "Fish" else ".jpg")
    return Entry(
        species,
        specimen,
        view,
        path=f"datasets/{species.category}/chunk_{rng.integers(N_CHUNKS)}/{name}",
        listed=name,
        labels=(species.name,),
        caption=make_caption(rng, species, named=rng.random() < NAMED_SHARE),
        raw_name_in_captions=species.name,
        as_delivered=species.name,
        correct=species.name,
    )


def new_stem(rng: np.random.Generator, species: Species) -> str:
    """A file name without extension for a specimen that no picture shows."""
    return _make_stems(rng, species, 900 + int(rng.integers(9000 - 900)), 1)[0]


def _draw_view_counts(rng: np.random.Generator, species: Species) -> list[int]:
    """How many pictures each specimen of a species has."""
    max_views = {"Fish": 4, "Bird": 3, "Butterfly": 2}[species.category]
    n_left, counts = species.n_images, []
    while n_left:
        limit = n_left - 1 if not counts else n_left  # keeps one for a second specimen
        counts.append(int(min(rng.integers(1, max_views + 1), max(1, limit))))
        n_left -= counts[-1]
    return counts


def _make_stems(rng: np.random.Generator, species: Species, specimen: int, n_views: int) -> list[str]:
    """File names without extension: unique, because the numbers of species and specimen are in them."""
    if species.category == "Fish":
        track = 1_000_003 * (species.number + 1) + 97 * specimen
        frame = int(rng.integers(100, 9000))
        return [f"fish_{track:012d}_{frame + 3 * view:05d}" for view in range(n_views)]
    if species.category == "Bird":
        name = species.common_name.replace(" ", "_")
        numbers = rng.choice(90_000, n_views, replace=False) + 10_000
        return [f"{name}_{specimen:04d}_{number}" for number in numbers]
    number = 10_000 + 7 * specimen
    return [f"{species.genus}_{species.epithet}_{number}_{view}" for view in "dv"[:n_views]]
