"""Figures of the page: the pictures themselves, inlined, with captions and alternative texts."""

from base64 import b64encode
from types import SimpleNamespace

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


def figures_by_kind(figures, captions, *, k):
    """Lists of pictures by kind, in the order of `figures`; a kind without any has an empty list.

    `figures` maps where a figure lies, (model, kind) say, to the bytes of its SVG.
    """
    found = {kind: [] for kind in FIGURE_KINDS}
    for (*who, kind), svg in figures.items():
        if kind not in found:
            raise ValueError(f"no place in the report for figures of the kind {kind!r}")
        found[kind].append(make_picture(svg, captions[kind], names=wildcards_of(who), k=k))
    return found


def generic_captions(captions, *, k):
    """By kind, the caption for the figures of all models together."""
    return {kind: fill_caption(captions[kind], names=GENERIC_NAMES, k=k) for kind in FIGURE_KINDS}


def make_picture(svg, text, *, names, k):
    """A figure as the page shows it: names, source, alt and caption.

    The SVG is shown as an image, in which no script runs.
    """
    paragraphs = fill_caption(text, names=names, k=k)
    return {
        "names": names,
        "source": f"data:image/svg+xml;base64,{b64encode(svg).decode('ascii')}",
        "caption": paragraphs,
        "alt": f"{paragraphs[0].split('. ')[0].rstrip('.?')}. The caption says what is drawn.",
    }


def fill_caption(text, *, names, k):
    """The paragraphs of a caption of `workflow/report/`, filled as Snakemake fills it.

    `names` (model, or base and trained) take the place of wildcards, k that of the param.

    >>> fill_caption("Recall of {{ snakemake.wildcards.model }}.", names={"model": "lite0"}, k=1)
    ['Recall of lite0.']
    """
    said = SimpleNamespace(wildcards=SimpleNamespace(**names), params=SimpleNamespace(k=k))
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 (the page escapes)
    filled = environment.from_string(text).render(snakemake=said)
    paragraphs = (" ".join(part.replace("``", "").split()) for part in filled.split("\n\n"))
    return [paragraph for paragraph in paragraphs if paragraph]


def wildcards_of(folders):
    """Whom a figure is about, by the folders that it lies in: nobody, a model, or two.

    >>> wildcards_of(["lite0"]), wildcards_of(["lite0", "lite0_unicom"])
    ({'model': 'lite0'}, {'base': 'lite0', 'trained': 'lite0_unicom'})
    """
    keys = {0: [], 1: ["model"], 2: ["base", "trained"]}[len(folders)]
    return dict(zip(keys, folders, strict=True))
