"""The analysis by training size, with numbers worked out by hand."""

import polars as pl

from nearkin.report import training_size_text

SIZES = pl.DataFrame(
    [
        ("Fish", "Aus bus", 0, 6, 0.0),
        ("Fish", "Aus cus", 10, 5, 0.2),
        ("Fish", "Aus dus", 11, 2, 1.0),
        ("Fish", "Aus eus", 101, 8, 0.5),
        ("Bird", "Bus aus", 4, 1, 1.0),
    ],
    schema=["category", "species", "n_train", "n_queries", "recall"],
    orient="row",
)


def test_the_analysis_by_category_equals_the_example():
    text = training_size_text.format_training_size(SIZES, model="lite0", min_queries=5)
    bird, fish = text.split("=====\n")[1:]
    assert bird.startswith("Bird:") and "Correlation of training images and recall: not defined" in bird
    lines = fish.splitlines()
    assert lines[2] == "Number of species: 4, queries: 21"
    assert lines[3] == "Training images per species - Min: 0, Max: 101, Mean: 30.5, Median: 10.5"
    assert lines[6:12] == [
        "0: 1, 0.000, 0.000",
        "1-10: 1, 0.200, 0.200",
        "11-25: 1, 1.000, 1.000",
        "26-50: 0",
        "51-100: 0",
        "100+: 1, 0.500, 0.500",
    ]
    best = lines[lines.index("5 best species (of 3 with at least 5 queries):") + 1]
    assert best == "Aus eus: 0.500 (101 training images, n = 8)"
    assert lines[-3] == "Aus bus: 0.000 (0 training images, n = 6)"
