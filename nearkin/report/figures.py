"""Figures of the page: the pictures themselves, inlined, with captions and alternative texts."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TypedDict

from jinja2 import Environment, StrictUndefined

FIGURE_KINDS = [
    "recall",
    "recall_curve",
    "reachable",
    "all_pairs",
    "seeds",
    "improvement_by_species",
    "improvement_by_genus",
    "improvement_by_training_size",
    "paired_recall",
    "most_changed",
    "confusions",
    "training",
    "training_size",
    "training_buckets",
    "leakage",
]
GENERIC_NAMES = {"model": "each model", "base": "each base", "trained": "each trained model"}


class Picture(TypedDict):
    """A figure as the page shows it: an SVG as an image, in which no script runs."""

    names: dict[str, str]  # as of `wildcards_of`
    source: str  # a data URL
    caption: list[str]  # paragraphs
    alt: str


def group_figures(
    figures: Mapping[tuple[str, ...], bytes], captions: Mapping[str, str], *, k: int
) -> dict[str, list[Picture]]:
    """Lists of pictures by kind, in the order of `figures`; a kind without any has an empty list.

    `figures` maps the path of a figure, such as (model, kind), to the bytes of its SVG.
    """
    pictures: dict[str, list[Picture]] = {kind: [] for kind in FIGURE_KINDS}
    for (*folders, kind), svg in figures.items():
        if kind not in pictures:
            raise ValueError(f"no place in the report for figures of the kind {kind!r}")
        pictures[kind].append(make_picture(svg, captions[kind], names=name_wildcards(folders), k=k))
    return pictures


def fill_generic_captions(captions: Mapping[str, str], *, k: int) -> dict[str, list[str]]:
    """By kind, the caption for the figures of all models together."""
    return {kind: fill_caption(captions[kind], names=GENERIC_NAMES, k=k) for kind in FIGURE_KINDS}


def make_picture(svg: bytes, text: str, *, names: dict[str, str], k: int) -> Picture:
    """A figure with the caption `text` of `workflow/report/`, filled."""
    paragraphs = fill_caption(text, names=names, k=k)
    return {
        "names": names,
        "source": f"data:image/svg+xml;base64,{b64encode(svg).decode('ascii')}",
        "caption": paragraphs,
        "alt": f"{paragraphs[0].split('. ')[0].rstrip('.?')}. The caption says what is drawn.",
    }


def fill_caption(text: str, *, names: Mapping[str, str], k: int) -> list[str]:
    """The paragraphs of a caption of `workflow/report/`, filled as Snakemake fills it.

    `names` (model, or base and trained) take the place of wildcards, k that of the param.

    >>> fill_caption("Recall of {{ snakemake.wildcards.model }}.", names={"model": "lite0"}, k=1)
    ['Recall of lite0.']
    """
    values = SimpleNamespace(wildcards=SimpleNamespace(**names), params=SimpleNamespace(k=k))
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 (the page escapes)
    filled = environment.from_string(text).render(snakemake=values)
    paragraphs = (" ".join(part.replace("``", "").split()) for part in filled.split("\n\n"))
    return [paragraph for paragraph in paragraphs if paragraph]


def name_wildcards(folders: Sequence[str]) -> dict[str, str]:
    """The models that a figure is about, by the folders of its file: none, one, or a pair.

    >>> name_wildcards(["lite0"]), name_wildcards(["lite0", "lite0_unicom"])
    ({'model': 'lite0'}, {'base': 'lite0', 'trained': 'lite0_unicom'})
    """
    keys = {0: [], 1: ["model"], 2: ["base", "trained"]}[len(folders)]
    return dict(zip(keys, folders, strict=True))
