"""Figures of all models together: curves of recall, and reachable queries beside all."""

import warnings

import numpy as np
import polars as pl
import pytest

from nearkin.figures import reachable, recall_curve, theme
from tests.factories import results
from tests.factories.figures import scattered, texts

LONG = [f"a_model_with_a_very_long_name_{i}" for i in range(8)]


@pytest.fixture(scope="module")
def made():
    return results.study(30, bootstrap_samples=20)


def test_each_line_is_the_curve_of_its_model(made):
    figure = recall_curve.plot_recall_curves(made["curves"])
    assert len(figure.axes) == 6
    shown = iter(figure.axes)
    for protocol in ("leave_one_out", "train_gallery", "unseen_species"):
        for level in ("species", "genus"):
            axis = next(shown)
            lines = {line.get_label(): line.get_xydata() for line in axis.lines}
            assert list(lines) == results.MODELS
            for model, line in lines.items():
                wanted = made["curves"][model].filter(protocol=protocol, level=level).sort("k")
                np.testing.assert_allclose(line, wanted.select("k", "value").to_numpy())
            assert axis.get_ylabel() == f"{level.capitalize()} recall@k\nn = {wanted['n_queries'][0]:,}"


def test_reachable_queries_stand_beside_all(made):
    figure = reachable.plot_reachable(made["recalls"], k=1)
    for axis, protocol in zip(figure.axes, ("leave_one_out", "train_gallery", "unseen_species"), strict=True):
        drawn = {round(y, 2): x for x, y in scattered(axis)}
        for row, model in enumerate(results.MODELS):
            chosen = made["recalls"][model].filter(
                protocol=protocol, level="species", metric="recall", average="micro", category="all", k=1
            )
            values = dict(chosen.select("query_subset", "value").iter_rows())
            assert drawn[round(row - reachable.MARK_OFFSET, 2)] == values["all"]
            assert drawn[round(row + reachable.MARK_OFFSET, 2)] == values["reachable"]
            assert f"{values['all']:.3f}  {values['reachable']:.3f}" in texts(axis)
        lost = chosen["n_unreachable"][0]
        message = f"{lost:,} of {theme.pluralise(chosen['n_queries'].max(), 'query')} unreachable"
        assert any(text.startswith(message) for text in texts(axis))


def test_a_protocol_in_which_nobody_can_hit_says_so(made):
    unknown = pl.when(pl.col("query_subset") != "reachable")
    recalls = {
        model: table.filter(protocol="train_gallery").with_columns(
            unknown.then(name).alias(name) for name in ("value", "ci_low", "ci_high")
        )
        for model, table in made["recalls"].items()
    }
    figure = reachable.plot_reachable(recalls, k=1)
    assert any(text.endswith("  –") for text in texts(figure))


def test_a_level_without_labels_says_so(made):
    curves = {model: curve.filter(pl.col("level") != "species") for model, curve in made["curves"].items()}
    axes = recall_curve.plot_recall_curves(curves).axes
    assert ["no labels" in texts(axis) for axis in axes] == [True, False] * 3


def test_long_names_draw_without_a_warning(made, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for figure in (
            recall_curve.plot_recall_curves(dict.fromkeys(LONG, made["curves"]["lite0"])),
            reachable.plot_reachable(dict.fromkeys(LONG, made["recalls"]["lite0"]), k=1),
        ):
            theme.save(figure, tmp_path / "a.svg", tmp_path / "a.png")


def test_nothing_to_draw_is_an_error(made):
    with pytest.raises(ValueError, match="no recall curve in the tables of lite0"):
        recall_curve.plot_recall_curves({"lite0": made["curves"]["lite0"].clear()})
    with pytest.raises(ValueError, match="no recall at k = 77"):
        reachable.plot_reachable(made["recalls"], k=77)
