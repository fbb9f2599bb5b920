"""The text format of the reference study, compared with the lines that it printed."""

from pathlib import Path

import polars as pl
import pytest

from nearkin.report import reference_format

DATA = Path(__file__).parents[1] / "data"

# What the reference study printed, all of it, and counts of queries behind it: (n, hits of the base,
# hits of the trained) by category and species. Those of the species that it names were derived from
# their rounded recalls; the others, with names that no species has, were searched for so that means,
# medians and overall recalls come out as well.
PRINTED = (DATA / "reference_comparison.txt").read_text(encoding="utf-8").splitlines()
COUNTED = pl.read_csv(DATA / "reference_counts.csv")
COUNTS = {
    category: {name: counts for _, name, *counts in rows.iter_rows()}
    for (category,), rows in COUNTED.group_by("category", maintain_order=True)
}
CATEGORY_RECALLS = {1: 0.9996, 2: 0.9995}  # as it printed them; the counts are those of species

# Equal differences whose order in the reference was that of a Python set.
ARBITRARY = ("parkesia", "aethia psittacula", "prepona", "zaretis:")


def make_recalls(counts, model_index):
    """The recalls of one model that `comparison` reads, as `Metrics` rows; `model_index` is 1 or 2."""
    rows = []
    for category, species in counts.items():
        shares = {name: query_counts[model_index] / query_counts[0] for name, query_counts in species.items()}
        rows += [
            _make_row("species", "recall", "per_label", category, name, share)
            for name, share in shares.items()
        ]
        for genus in {name.split(" ")[0] for name in shares}:
            of_genus = [share for name, share in shares.items() if name.split(" ")[0] == genus]
            mean = sum(of_genus) / len(of_genus)
            rows.append(_make_row("genus", "genus_mean_of_species", "per_label", category, genus, mean))
            rows.append(
                _make_row("genus", "recall", "per_label", category, genus, 0.123)
            )  # true genus recall
    queries = [query_counts for species in counts.values() for query_counts in species.values()]
    overall = sum(query_counts[model_index] for query_counts in queries) / sum(
        query_counts[0] for query_counts in queries
    )
    rows.append(_make_row("category", "recall", "micro", "all", "all", CATEGORY_RECALLS[model_index]))
    rows.append(_make_row("species", "recall", "micro", "all", "all", overall))
    return pl.DataFrame(rows)


def _make_row(level, metric, average, category, label, value):
    return {
        "protocol": "leave_one_out",
        "level": level,
        "metric": metric,
        "average": average,
        "query_subset": "all",
        "category": category,
        "label": label,
        "k": 1,
        "value": value,
    }


def format_counts(counts):
    base, trained = make_recalls(counts, 1), make_recalls(counts, 2)
    return reference_format.format_comparison(base, trained, protocol="leave_one_out", k=1).splitlines()


def test_query_counts_reproduce_all_printed_lines():
    assert len([line for line in PRINTED if " (Base: " in line]) == 45
    assert sorted(format_counts(COUNTS)) == sorted(PRINTED)


def test_query_counts_reproduce_the_order_except_for_ties():
    def drop_arbitrary(lines):
        return [line for line in lines if not line.startswith(ARBITRARY)]

    assert drop_arbitrary(format_counts(COUNTS)) == drop_arbitrary(PRINTED)


def test_differences_are_computed_before_they_are_rounded():
    # 9/16 = 0.5625 and 2/16 = 0.125 print as 0.562 and 0.125, which would differ by 0.437.
    assert reference_format.format_label_line("Anthus rubescens", 9 / 16, 2 / 16).startswith(
        "anthus rubescens: -0.438 "
    )


def test_the_whole_text_equals_the_example():
    counts = {"Moss": {"Aus bus": (2, 1, 2), "Aus cus": (4, 1, 1)}, "Fish": {"Dus eus": (4, 0, 1)}}
    assert "\n".join(format_counts(counts)) == (
        "Trained\nOverall Category Recall: 0.9995\nOverall Species Recall: 0.4000\n\n"
        "Base\nOverall Category Recall: 0.9996\nOverall Species Recall: 0.2000\n\n"
        "=====\nFish:\n-----\nSpecies-level Analysis:\nNumber of species: 1\nRecall Statistics:\n"
        "Base Model - Mean: 0.000, Median: 0.000\nTrained Model - Mean: 0.250, Median: 0.250\n"
        "Average Improvement: 0.250\nTop 5 Most Improved Species:\n"
        "dus eus: 0.250 (Base: 0.000 → Trained: 0.250)\nTop 5 Least Improved Species:\n"
        "dus eus: 0.250 (Base: 0.000 → Trained: 0.250)\nGenus-level Analysis:\nNumber of genera: 1\n"
        "Recall Statistics:\nBase Model - Mean: 0.000, Median: 0.000\n"
        "Trained Model - Mean: 0.250, Median: 0.250\nAverage Improvement: 0.250\n"
        "Top 5 Most Improved Genera:\ndus: 0.250 (Base: 0.000 → Trained: 0.250)\n\n"
        "=====\nMoss:\n-----\nSpecies-level Analysis:\nNumber of species: 2\nRecall Statistics:\n"
        "Base Model - Mean: 0.375, Median: 0.375\nTrained Model - Mean: 0.625, Median: 0.625\n"
        "Average Improvement: 0.250\nTop 5 Most Improved Species:\n"
        "aus bus: 0.500 (Base: 0.500 → Trained: 1.000)\naus cus: 0.000 (Base: 0.250 → Trained: 0.250)\n"
        "Top 5 Least Improved Species:\naus cus: 0.000 (Base: 0.250 → Trained: 0.250)\n"
        "aus bus: 0.500 (Base: 0.500 → Trained: 1.000)\nGenus-level Analysis:\nNumber of genera: 1\n"
        "Recall Statistics:\nBase Model - Mean: 0.375, Median: 0.375\n"
        "Trained Model - Mean: 0.625, Median: 0.625\nAverage Improvement: 0.250\n"
        "Top 5 Most Improved Genera:\naus: 0.250 (Base: 0.375 → Trained: 0.625)"
    )


def test_equal_differences_are_sorted_by_name():
    counts = {"Fish": {"Dus zus": (2, 0, 1), "Dus aus": (4, 1, 3), "Dus mus": (2, 1, 2)}}
    lines = format_counts(counts)
    least = lines.index("Top 5 Least Improved Species:")
    assert [line.split(":")[0] for line in lines[least + 1 : least + 4]] == ["dus aus", "dus mus", "dus zus"]


def test_models_with_different_labels_are_refused():
    base = make_recalls({"Fish": {"Dus eus": (4, 0, 1)}}, 1)
    trained = make_recalls({"Fish": {"Dus fus": (4, 0, 1)}}, 2)
    with pytest.raises(ValueError, match="only one of the models answered for .*Dus"):
        reference_format.format_comparison(base, trained, protocol="leave_one_out", k=1)


def test_a_protocol_without_recall_is_reported():
    table = make_recalls(COUNTS, 1)
    with pytest.raises(ValueError, match="protocol 'train_gallery'"):
        reference_format.format_comparison(table, table, protocol="train_gallery", k=1)
