"""What names, captions, groups and splits cost in time and memory, from ten thousand to 5.6 million rows.

    PYTHONPATH=. .venv/bin/python benchmarks/curation.py --rows 10000 100000 1000000 5600000

Every stage runs as a process of its own on the tables of the one before, as in the workflow.
Writes its section of benchmarks/results.json, benchmarks/curation.png and the table in the README.
"""

import argparse
import tempfile
import time
from pathlib import Path

import polars as pl
import seaborn as sns
import yaml

from benchmarks import fresh, invented
from benchmarks.report import publish, table
from nearkin.driver.config import resolve_config
from nearkin.figures import theme
from scripts.clean_labels import clean_labels
from scripts.complete_captions import complete_captions
from scripts.group_images import group_images
from scripts.split_images import split_images

HERE = Path(__file__).parent
NEAR = {
    "max_hamming": 4,
    "detect_transformed": False,
}  # for millions; the default looks further, at all pairs


def settings():
    """The config's defaults for a dataset, but for how far near duplicates are looked for."""
    schema = yaml.safe_load((HERE.parent / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    models = {"histogram": {"library": "histogram", "preprocess": "any"}}
    config = {
        "datasets": {"d": {"groups": {"near_duplicates": NEAR}}},
        "models": models,
        "preprocessing": {"any": {"size": 8, "crop_pct": 1}},
    }
    return resolve_config(config, schema)["datasets"]["d"]


def names(folder, given):
    labels = given["labels"]
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


def captions(folder, given):
    complete_captions(
        folder / "images.parquet",
        folder / "labels.parquet",
        folder / "label_changes.parquet",
        [],
        folder / "captions.parquet",
        folder / "curation_log.parquet",
        **given["captions"],
        dataset="d",
    )


def groups(folder, given):
    group_images(
        folder / "images.parquet",
        folder / "labels.parquet",
        [folder / "inspection.parquet"],
        [],
        folder / "groups.parquet",
        folder / "groups_to_review.parquet",
        **given["groups"],
        dataset="d",
    )


def splits(folder, given):
    split_images(
        folder / "labels.parquet",
        folder / "groups.parquet",
        None,
        None,
        folder / "splits.parquet",
        split_settings={
            key: given["split"][key] for key in given["split"] if key not in ("previous", "adopt")
        },
        dataset="d",
    )


STAGES = [names, captions, groups, splits]


def timed(stage, folder):
    """Seconds that a stage takes."""
    start = time.perf_counter()
    stage(folder, settings())
    return {"seconds": time.perf_counter() - start}


def run(rows):
    """A record per stage and number of rows."""
    records = []
    for n_rows in rows:
        with tempfile.TemporaryDirectory() as folder:
            invented.write(Path(folder), n_rows)
            for stage in STAGES:
                record = {"rows": n_rows, "stage": stage.__name__} | fresh.run(timed, stage, Path(folder))
                print(record, flush=True)
                records.append(record)
    return records


@theme.styled
def draw(records, path):
    """Seconds, on logarithmic axes, and memory against rows."""
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
    records = run([1_000] if options.quick else options.rows)
    rows = []
    for n_rows, part in pl.DataFrame(records).group_by("rows", maintain_order=True):
        seconds = [f"{one:,.1f} s" for one in part["seconds"]]
        total, peak = f"{part['seconds'].sum():,.0f} s", f"{part['gigabytes'].max():.1f} GB"
        rows.append([f"{n_rows[0]:,}", *seconds, total, peak])
    header = ["rows", *(stage.__name__ for stage in STAGES), "together", "peak memory"]
    if options.quick:
        print(table(header, rows))
        return
    draw(records, HERE / "curation.png")
    publish("curation", {"near_duplicates": NEAR, "records": records}, header, rows)


if __name__ == "__main__":
    main()
