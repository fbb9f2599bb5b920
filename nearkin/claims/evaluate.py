"""All claims about a base and a trained model, each with its answer."""

import logging
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from nearkin.claims import improvement, training_size
from nearkin.tables.categories import distinct_categories
from nearkin.tables.claims import Claims
from nearkin.vocabulary import ALL, PROTOCOLS

logger = logging.getLogger(__name__)


def evaluate_claims(
    recalls: Mapping[str, pl.DataFrame], differences: pl.DataFrame, *, k: int
) -> pl.DataFrame:
    """The claims about two models as a `Claims` table: its declaration says what the rows are.

    `recalls` maps both models, the base first, to their `Metrics` tables; `differences` is their
    `Differences` table. There is no claim about category recall if no image has a category.
    """
    rows: list[dict[str, object]] = []
    for protocol in sorted(set(differences["protocol"]), key=PROTOCOLS.index):
        shared: dict[str, object] = {
            "protocol": protocol,
            "k": k,
            "subject": "/".join(recalls),
            "level": "species",
        }
        labels = differences.filter(pl.col("label") != ALL, protocol=protocol, k=k).sort("category", "label")
        for category, of_category in _split_by_category(labels):
            answers = _evaluate_category(of_category, list(recalls), protocol)
            rows += [shared | {"category": category} | answer for answer in answers]
        overall = [_test_worsened(labels)]
        if distinct_categories(labels["category"]):
            overall += [_test_saturated(recall, model, protocol, k) for model, recall in recalls.items()]
        rows += [shared | {"category": ALL} | row for row in overall]
    blank: dict[str, object] = {
        "min_train_images": None,
        "max_train_images": None,
        "n_improved": None,
        "n_worsened": None,
        "worsened_labels": [],
    }
    types = {name: column.dtype for name, column in Claims.columns().items()}
    table = pl.DataFrame([blank | row for row in rows], schema=types)
    for answer, n in table.group_by("answer").len().sort("answer").iter_rows():
        logger.info("%d claims: %s", n, answer)
    return table


def _split_by_category(labels: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """The labels of each category; without any category, those of all."""
    categories = distinct_categories(labels["category"])
    return [(name, labels.filter(category=name)) for name in categories] or [(ALL, labels)]


def _evaluate_category(
    labels: pl.DataFrame, models: Sequence[str], protocol: str
) -> Iterator[dict[str, object]]:
    """Claims about the labels of one category; unseen species have no training images to compare with."""
    species = labels.filter(level="species", metric="recall")
    genera = labels.filter(metric="genus_mean_of_species")
    if protocol != "unseen_species":
        for model, column in zip(models, ["base", "trained"], strict=True):
            for answer in training_size.test_recall_by_training_size(species, column):
                yield answer | _count_evidence(species) | {"subject": model}
        yield training_size.test_improvement_by_training_size(species) | _count_evidence(species)
    yield improvement.test_typical_improvement(species, "species") | _count_evidence(species)
    yield (
        improvement.test_typical_improvement(genera, "genera") | _count_evidence(genera) | {"level": "genus"}
    )


def _test_worsened(labels: pl.DataFrame) -> dict[str, object]:
    ranked = labels.filter("enough_queries", level="species", metric="recall")
    return improvement.test_any_worsened(ranked) | _count_evidence(ranked)


def _test_saturated(recall: pl.DataFrame, model: str, protocol: str, k: int) -> dict[str, object]:
    overall = recall.filter(
        protocol=protocol,
        level="category",
        metric="recall",
        average="micro",
        query_subset="all",
        category=ALL,
        k=k,
    )
    counts = overall.select("n_labels", "n_queries").row(0, named=True)
    answer = improvement.test_saturation(overall.row(0, named=True))
    return answer | counts | {"subject": model, "level": "category"}


def _count_evidence(labels: pl.DataFrame) -> dict[str, object]:
    return {"n_labels": len(labels), "n_queries": labels["n_queries"].sum()}
