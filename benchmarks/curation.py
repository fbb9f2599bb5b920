"""Time and memory of cleaning labels and captions, grouping and splitting, for up to 5.6 million rows.

    PYTHONPATH=. .venv/bin/python benchmarks/curation.py --rows 10000 100000 1000000 5600000

Each stage runs in its own process on the tables of the previous stage, as in the workflow.
Writes its section of benchmarks/results.json, benchmarks/curation.png and the table in the README.
"""

import argparse
import tempfile
import time
from pathlib import Path

import polars as pl
import seaborn as sns
import yaml

from benchmarks import synthetic_rows
from benchmarks.report import format_table, publish
from benchmarks.subprocess_timer import run_in_subprocess
from nearkin.driver.config import resolve_config
from nearkin.figures import theme
from scripts.clean_labels import clean_labels
from scripts.complete_captions import complete_captions
from scripts.group_images import group_images
from scripts.split_images import split_images

HERE = Path(__file__).parent
NEAR_DUPLICATES = {
    "max_hamming": 4,
    "detect_transformed": False,
}  # for millions of images; the default has a larger distance and compares all pairs


def load_settings():
    """The config's defaults for a dataset, except for the limits of near duplicates."""
    schema = yaml.safe_load((HERE.parent / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    models = {"histogram": {"library": "histogram", "preprocess": "any"}}
    config = {
        "datasets": {"d": {"groups": {"near_duplicates": NEAR_DUPLICATES}}},
        "models": models,
        "preprocessing": {"any": {"size": 8, "crop_pct": 1}},
    }
    return resolve_config(config, schema)["datasets"]["d"]


def run_names(folder, settings):
    labels = settings["labels"]
    clean_labels(
        folder / "images.parquet",
        [folder / "inspection.parquet"],
        folder / "labels.parquet",
        folder / "quarantine.parquet",
        folder / "label_changes.parquet",
        policies=labels["policies"],
        spelling=labels["spelling"],
        taxonomy_path=None,
        dataset="d",
    )


def run_captions(folder, settings):
    complete_captions(
        folder / "images.parquet",
        folder / "labels.parquet",
        folder / "label_changes.parquet",
        [],
        folder / "captions.parquet",
        folder / "curation_log.parquet",
        **settings["captions"],
        dataset="d",
    )


def run_groups(folder, settings):
    group_images(
        folder / "images.parquet",
        folder / "labels.parquet",
        [folder / "inspection.parquet"],
        [],
        folder / "groups.parquet",
        folder / "groups_to_review.parquet",
        **settings["groups"],
        dataset="d",
    )


def run_splits(folder, settings):
    split_images(
        folder / "labels.parquet",
        folder / "groups.parquet",
        None,
        None,
        folder / "splits.parquet",
        split_settings={
            key: value
            for key, value in settings["split"].items()
            if key not in ("previous", "use_source_split")
        },
        dataset="d",
    )


STAGES = {"names": run_names, "captions": run_captions, "groups": run_groups, "splits": run_splits}


def time_stage(stage, folder):
    """The seconds that a stage takes."""
    start = time.perf_counter()
    STAGES[stage](folder, load_settings())
    return {"seconds": time.perf_counter() - start}


def measure_stages(sizes):
    """A record per stage and number of rows."""
    records = []
    for n_rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            synthetic_rows.write_tables(Path(folder), n_rows)
            for stage in STAGES:
                cost = run_in_subprocess(time_stage, stage, Path(folder))
                record = {"rows": n_rows, "stage": stage} | cost
                print(record, flush=True)
                records.append(record)
    return records


@theme.styled
def plot_costs(records, path):
    """Plot seconds, on logarithmic axes, and memory against rows."""
    figure = theme.make_figure(2.6, width=2 * theme.COLUMN_WIDTH)
    left, right = figure.subplots(1, 2)
    columns = pl.DataFrame(records).to_dict(as_series=False)
    for axes, column, label in ((left, "seconds", "time (s)"), (right, "gigabytes", "peak memory (GB)")):
        sns.lineplot(columns, x="rows", y=column, hue="stage", style="stage", markers=True,
                     dashes=False, palette=theme.COLOURS[:4], ax=axes, legend=axes is left)  # fmt: skip
        axes.set(
            xscale="log", yscale="log" if axes is left else "linear", xlabel="delivered rows", ylabel=label
        )
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:,.10g}")
            axis.set_minor_formatter("")
        axes.grid(axis="y")
    right.set_ylim(bottom=0)
    left.get_legend().set_title(None)
    figure.savefig(path, format="png", dpi=160, metadata={"Software": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000, 5_600_000])
    parser.add_argument("--quick", action="store_true", help="a thousand rows; only prints")
    options = parser.parse_args()
    records = measure_stages([1_000] if options.quick else options.rows)
    rows = []
    for n_rows, part in pl.DataFrame(records).group_by("rows", maintain_order=True):
        times = [f"{seconds:,.1f} s" for seconds in part["seconds"]]
        total, peak = f"{part['seconds'].sum():,.0f} s", f"{part['gigabytes'].max():.1f} GB"
        rows.append([f"{n_rows[0]:,}", *times, total, peak])
    header = ["rows", *STAGES, "total", "peak memory"]
    if options.quick:
        print(format_table(header, rows))
        return
    plot_costs(records, HERE / "curation.png")
    publish("curation", {"near_duplicates": NEAR_DUPLICATES, "records": records}, header, rows)


if __name__ == "__main__":
    main()
