"""Figures of all models: recall curves, and recall of reachable and of all queries."""

import warnings

import numpy as np
import polars as pl
import pytest

from nearkin.figures import reachable, recall_curve, theme
from tests.factories import results
from tests.factories.figures import scattered, texts

LONG_NAMES = [f"a_model_with_a_very_long_name_{i}" for i in range(8)]


@pytest.fixture(scope="module")
def study():
    return results.study(30, bootstrap_samples=20)


def test_each_line_is_the_curve_of_its_model(study):
    figure = recall_curve.plot_recall_curves(study["curves"])
    assert len(figure.axes) == 6
    axes = iter(figure.axes)
    for protocol in ("leave_one_out", "train_gallery", "unseen_species"):
        for level in ("species", "genus"):
            axis = next(axes)
            lines = {line.get_label(): line.get_xydata() for line in axis.lines}
            assert list(lines) == results.MODELS
            for model, line in lines.items():
                expected = study["curves"][model].filter(protocol=protocol, level=level).sort("k")
                np.testing.assert_allclose(line, expected.select("k", "value").to_numpy())
            assert axis.get_ylabel() == f"{level.capitalize()} recall@k\nn = {expected['n_queries'][0]:,}"


def test_recall_of_reachable_and_all_queries_is_drawn(study):
    figure = reachable.plot_reachable(study["recalls"], k=1)
    for axis, protocol in zip(figure.axes, ("leave_one_out", "train_gallery", "unseen_species"), strict=True):
        marks = {round(y, 2): x for x, y in scattered(axis)}
        for row, model in enumerate(results.MODELS):
            rows = study["recalls"][model].filter(
                protocol=protocol, level="species", metric="recall", average="micro", category="all", k=1
            )
            values = dict(rows.select("query_subset", "value").iter_rows())
            assert marks[round(row - reachable.MARK_OFFSET, 2)] == values["all"]
            assert marks[round(row + reachable.MARK_OFFSET, 2)] == values["reachable"]
            assert f"{values['all']:.3f}  {values['reachable']:.3f}" in texts(axis)
        n_unreachable = rows["n_unreachable"][0]
        message = f"{n_unreachable:,} of {theme.pluralise(rows['n_queries'].max(), 'query')} unreachable"
        assert any(text.startswith(message) for text in texts(axis))


def test_a_protocol_without_reachable_queries_shows_a_dash(study):
    is_other_subset = pl.when(pl.col("query_subset") != "reachable")
    recalls = {
        model: table.filter(protocol="train_gallery").with_columns(
            is_other_subset.then(name).alias(name) for name in ("value", "ci_low", "ci_high")
        )
        for model, table in study["recalls"].items()
    }
    figure = reachable.plot_reachable(recalls, k=1)
    assert any(text.endswith("  –") for text in texts(figure))


def test_a_level_without_labels_is_noted(study):
    curves = {model: curve.filter(pl.col("level") != "species") for model, curve in study["curves"].items()}
    axes = recall_curve.plot_recall_curves(curves).axes
    assert ["no labels" in texts(axis) for axis in axes] == [True, False] * 3


def test_long_names_draw_without_a_warning(study, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for figure in (
            recall_curve.plot_recall_curves(dict.fromkeys(LONG_NAMES, study["curves"]["lite0"])),
            reachable.plot_reachable(dict.fromkeys(LONG_NAMES, study["recalls"]["lite0"]), k=1),
        ):
            theme.save(figure, tmp_path / "a.svg", tmp_path / "a.png")


def test_nothing_to_draw_is_an_error(study):
    with pytest.raises(ValueError, match="no recall curve in the tables of lite0"):
        recall_curve.plot_recall_curves({"lite0": study["curves"]["lite0"].clear()})
    with pytest.raises(ValueError, match="no recall at k = 77"):
        reachable.plot_reachable(study["recalls"], k=77)
