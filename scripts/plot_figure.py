"""Draw a rule's figures from finished tables; each function yields them in the order of the rule's files."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import dataframely as dy
import polars as pl
from matplotlib.figure import Figure

from nearkin.figures import (
    all_pairs,
    confusions,
    improvement,
    improvement_by_training_size,
    leakage,
    most_changed,
    paired_recall,
    reachable,
    recall,
    recall_curve,
    seeds,
    theme,
    training,
    training_size,
)
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.confusions import Confusions
from nearkin.tables.dataset_statistics import TrainingSize
from nearkin.tables.leakage import LeakageAudit
from nearkin.tables.recall_curve import RecallCurve
from nearkin.tables.scores import Differences, Metrics, Pairwise
from nearkin.tables.seeds import SeedSummaries
from nearkin.tables.training import Training
from nearkin.tables.trend import Trend


class Settings(NamedTuple):
    """What a figure shows: of a comparison, `models` are the base and the trained one."""

    models: Sequence[str]
    protocol: str
    k: int

    @property
    def comparison(self) -> dict[str, Any]:
        base, trained = self.models
        return {"base": base, "trained": trained, "protocol": self.protocol, "k": self.k}

    def read_by_model(self, paths: Sequence[str], table: type[dy.Schema]) -> dict[str, pl.DataFrame]:
        return {model: tables.read(path, table) for model, path in zip(self.models, paths, strict=True)}


def draw_recall(metrics: Sequence[str], settings: Settings) -> Iterator[Figure]:
    yield recall.plot_recall(settings.read_by_model(metrics, Metrics), k=settings.k)


def draw_recall_curve(curves: Sequence[str], settings: Settings) -> Iterator[Figure]:
    yield recall_curve.plot_recall_curves(settings.read_by_model(curves, RecallCurve))


def draw_reachable(metrics: Sequence[str], settings: Settings) -> Iterator[Figure]:
    yield reachable.plot_reachable(settings.read_by_model(metrics, Metrics), k=settings.k)


def draw_all_pairs(pairwise: str, settings: Settings) -> Iterator[Figure]:
    yield all_pairs.plot_all_pairs(tables.read(pairwise, Pairwise), models=settings.models, k=settings.k)


def draw_seeds(seed_summaries: str, settings: Settings) -> Iterator[Figure]:
    yield seeds.plot_seeds(tables.read(seed_summaries, SeedSummaries), names=settings.models, k=settings.k)


def draw_leakage(leakage_audit: str, settings: Settings) -> Iterator[Figure]:
    yield leakage.plot_leakage(
        tables.read(leakage_audit, LeakageAudit), model=settings.models[0], k=settings.k
    )


def draw_training_size(sizes: str, settings: Settings) -> Iterator[Figure]:
    yield training_size.plot_recall_by_training_size(
        tables.read(sizes, TrainingSize), model=settings.models[0]
    )


def draw_training_buckets(sizes: str, settings: Settings) -> Iterator[Figure]:
    yield training_size.plot_recall_by_bucket(tables.read(sizes, TrainingSize), model=settings.models[0])


def draw_confusions(confusion_counts: str, settings: Settings) -> Iterator[Figure]:
    yield confusions.plot_genus_confusions(
        tables.read(confusion_counts, Confusions), model=settings.models[0]
    )


def draw_training(training_steps: str, settings: Settings) -> Iterator[Figure]:
    yield training.plot_training(tables.read(training_steps, Training), model=settings.models[0])


def draw_improvement(differences: str, settings: Settings) -> Iterator[Figure]:
    table = tables.read(differences, Differences)
    for level in ("species", "genus"):
        yield improvement.plot_improvement(table, level=level, **settings.comparison)


def draw_paired_recall(differences: str, settings: Settings) -> Iterator[Figure]:
    table = tables.read(differences, Differences)
    yield paired_recall.plot_paired_recall(table, **settings.comparison)


def draw_most_changed(differences: str, settings: Settings) -> Iterator[Figure]:
    table = tables.read(differences, Differences)
    yield most_changed.plot_most_changed(table, **settings.comparison)


def draw_improvement_by_training_size(differences: str, trend: str, settings: Settings) -> Iterator[Figure]:
    yield improvement_by_training_size.plot_improvement_by_training_size(
        tables.read(differences, Differences), tables.read(trend, Trend), **settings.comparison
    )


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    draw, params = globals()[snakemake.params.draw], snakemake.params
    with trace_inputs(snakemake.input):
        figures = draw(
            *(path for _, path in snakemake.input.items()), Settings(params.models, params.protocol, params.k)
        )
        for figure, svg_path, png_path in zip(
            figures, snakemake.output[::2], snakemake.output[1::2], strict=True
        ):
            theme.save(figure, svg_path, png_path)
