"""Figures match their tables: counts, positions and names; and they are reproducible."""

import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.figures import box_plots, improvement, leakage, recall, theme, training, training_size
from tests.factories import results
from tests.factories.figures import points_at, texts


@pytest.fixture(scope="module")
def study():
    return results.study(30, bootstrap_samples=20)


def make_sizes(rows):
    """A `TrainingSize` table of (category, bucket, recall), one species per row."""
    return pl.DataFrame(
        [
            {
                "category": category,
                "species": f"Aus epithet{i}",
                "genus": "Aus",
                "n_train": i,
                "bucket": bucket,
                "n_queries": 2,
                "recall": value,
            }
            for i, (category, bucket, value) in enumerate(rows)
        ],
        schema_overrides={"recall": pl.Float64},
    )


buckets = st.sampled_from(training_size.ORDER)
species = st.tuples(st.sampled_from(["Bird", "Fish"]), buckets, st.sampled_from([0.0, 0.25, 1.0]))


@settings(max_examples=15, deadline=None)
@given(st.lists(species, min_size=1, max_size=30))
def test_the_n_below_a_box_counts_its_values(rows):
    sizes = make_sizes(rows)
    figure = training_size.plot_recall_by_bucket(sizes, model="lite0")
    for axis in figure.axes:
        in_category = sizes.filter(category=axis.get_title(loc="left"))
        values_by_label = points_at(axis)
        assert [label.split("\n")[0] for label in values_by_label] == training_size.ORDER
        for label, values in values_by_label.items():
            bucket, n = label.split("\nn = ")
            assert int(n) == len(values)
            assert sorted(values) == in_category.filter(bucket=bucket)["recall"].sort().to_list()


def test_boxes_keep_their_order_and_empty_boxes_their_position():
    axis = theme.make_figure(2).subplots()
    box_plots.plot_boxes(axis, {"c": [1, 2, 3], "a": [], "b": [9]}, colour="k")
    assert points_at(axis) == {"c\nn = 3": [1, 2, 3], "a\nn = 0": [], "b\nn = 1": [9]}


def test_a_box_shows_the_values_of_its_label():
    axis = theme.make_figure(2).subplots()
    values = {"a": [1, 2, 4], "b": [], "c": [8]}
    box_plots.plot_boxes(axis, values, colour="k")
    medians = {tuple(line.get_xdata().round(3)): float(line.get_ydata()[0]) for line in axis.lines[4::5]}
    assert medians == {(-0.275, 0.275): 2, (1.725, 2.275): 8}


def test_a_missing_value_is_an_error():
    with pytest.raises(ValueError, match="'a' is not a number"):
        box_plots.plot_boxes(theme.make_figure(2).subplots(), {"a": [1.0, None]}, colour="k")


def test_each_improvement_is_drawn_over_its_category(study):
    differences = study["differences"]["lite0", "lite0_unicom"]
    for level, metric in [("species", "recall"), ("genus", "genus_mean_of_species")]:
        figure = improvement.plot_improvement(
            differences, level=level, base="lite0", trained="lite0_unicom", protocol="leave_one_out", k=1
        )
        expected = differences.filter(level=level, metric=metric, protocol="leave_one_out", k=1)
        expected = expected.filter(pl.col("label") != "all")
        values_by_label = points_at(figure.axes[0])
        assert [label.split("\n")[0] for label in values_by_label] == ["Bird", "Butterfly", "Fish"]
        for label, values in values_by_label.items():
            category, n = label.split("\nn = ")
            diff_pp = expected.filter(category=category)["diff_pp"]
            assert int(n) == len(diff_pp)
            np.testing.assert_allclose(sorted(values), diff_pp.sort())


def test_a_protocol_without_improvements_is_an_error(study):
    differences = study["differences"]["lite0", "lite0_unicom"].filter(protocol="train_gallery")
    names = {"base": "lite0", "trained": "lite0_unicom", "protocol": "leave_one_out", "k": 1}
    with pytest.raises(ValueError, match="no species .*leave_one_out"):
        improvement.plot_improvement(differences, level="species", **names)


def make_leakage_audit(n_with_member=3):
    """A `LeakageAudit` table of 9 queries, `n_with_member` of them with a group member in the gallery."""
    rows = []
    for protocol in ("leave_one_out", "train_gallery"):
        for split, query_subset, value, n in [
            ("grouped", "all", 0.5, 9),
            ("random", "all", 0.625, 9),
            ("random", "same_group_in_gallery", 1.0, n_with_member),
            ("random", "no_same_group_in_gallery", 0.25, 9 - n_with_member),
            ("random_masked", "all", 0.375, 9),
            ("random_masked", "same_group_in_gallery", 0.125, n_with_member),
        ]:
            values = {"recall": value, "ci_low": value / 2, "ci_high": value} if n else {}
            scope = {"protocol": protocol, "split": split, "query_subset": query_subset, "n_queries": n}
            rows.append(scope | {"recall": None, "ci_low": None, "ci_high": None} | values)
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(
        level=pl.lit("species"), k=1, n_leaking_groups=2, n_leaking_images=7
    )


def test_each_recall_of_the_leakage_audit_is_in_its_row():
    figure = leakage.plot_leakage(make_leakage_audit(), model="lite0", k=1)
    assert "lite0, random split divides 2 groups of 7 images" in texts(figure)
    for axis in figure.axes:
        names = [label.get_text() for label in axis.get_yticklabels()]
        marks = {names[round(y)]: x for mark in axis.collections for x, y in mark.get_offsets()}
        assert marks["Grouped split, n = 9"] == 0.5
        assert marks["Random, group in gallery, n = 3"] == 1
        assert marks["Random, group elsewhere, n = 6"] == 0.25
        assert len(axis.collections) == len(names) == 6
    assert len(leakage.plot_leakage(make_leakage_audit(0), model="lite0", k=1).axes[0].collections) == 4
    with pytest.raises(ValueError, match="no species recall at k = 5 in the leak audit of lite0"):
        leakage.plot_leakage(make_leakage_audit(), model="lite0", k=5)


@pytest.mark.parametrize(
    "rows",
    [
        [("Fish", "0", 0.5)],
        [("Fish", "1-5", 1.0)] * 4,
        [(f"Category {i}", "6-10", 0.5) for i in range(7)],
        [("a very long name of a category, with $\\frac{1}{2}$\nand a second line", "0", 0.0)],
    ],
)
def test_training_sizes_draw_without_a_warning(rows, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for draw in (training_size.plot_recall_by_training_size, training_size.plot_recall_by_bucket):
            theme.save(draw(make_sizes(rows), model="lite0"), tmp_path / "a.svg", tmp_path / "a.png")


def test_a_table_without_species_is_an_error():
    with pytest.raises(ValueError, match="no species has test queries"):
        training_size.plot_recall_by_training_size(make_sizes([("Fish", "0", 0.5)]).clear(), model="lite0")


def test_a_species_without_training_images_is_drawn():
    sizes = make_sizes([("Fish", "0", 0.5), ("Fish", "1-5", 0.25)])
    axis = training_size.plot_recall_by_training_size(sizes, model="lite0").axes[0]
    assert sorted(map(tuple, axis.collections[0].get_offsets())) == [(0, 0.5), (1, 0.25)]


def test_the_best_epoch_is_marked_or_the_base_is_noted():
    figure = training.plot_training(results.training(chosen=5), model="lite0_unicom")
    assert "lite0_unicom: 8 epochs, 160 steps; epoch 5 kept" in texts(figure)
    assert [line.get_xdata()[0] for line in figure.axes[2].lines if line.get_linestyle() == ":"] == [100]
    base = training.plot_training(results.training(chosen=0), model="lite0_unicom")
    assert "lite0_unicom: 8 epochs, 160 steps; base kept" in texts(base)


def test_the_overview_shows_n_and_species_recall(study):
    figure = recall.plot_recall(study["recalls"], k=1)
    labels = texts(figure)
    for model, table in study["recalls"].items():
        row = table.filter(
            protocol="train_gallery",
            level="species",
            metric="recall",
            average="micro",
            query_subset="all",
            category="all",
            k=1,
        )
        assert f"{row['value'].item():.3f}" in labels
        assert f"Train gallery, n = {row['n_queries'].item():,} queries" in labels
        assert model in labels


def test_the_overview_without_any_recall_is_an_error(study):
    with pytest.raises(ValueError, match="no recall at k = 77"):
        recall.plot_recall(study["recalls"], k=77)


def test_the_same_table_gives_the_same_bytes(study, tmp_path):
    for name in ("a", "b"):
        figure = training_size.plot_recall_by_training_size(study["sizes"]["lite0"], model="lite0")
        theme.save(figure, tmp_path / f"{name}.svg", tmp_path / f"{name}.png")
    for suffix in ("svg", "png"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "a.svg").read_bytes()


def test_names_are_shortened_to_one_line():
    assert theme.truncate("Fish\n\tof the sea") == "Fish of the sea"
    assert len(theme.truncate("x" * 99)) == theme.MAX_NAME_CHARS
