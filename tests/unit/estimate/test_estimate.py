"""What a run would cost, by hand."""

import polars as pl
import pytest

from nearkin.driver import planned_jobs
from nearkin.estimate import counts, microbenchmarks, model
from nearkin.estimate.model import StageEstimate
from nearkin.synthetic.write_delivery import write_delivery
from tests.factories.delivery import picture

MUSEUM = {"seed": 3, "n_species": 4, "largest_species": 6, "image_size": 32, "fault_rate": 0.01}
DRY_RUN = """\
rule embed_images:
    input: nearkin/embeddings/embed.py
    reason: Missing output files
    wildcards: dataset=birds, model=clip, shard=0
    threads: 2
localrule download_dataset:
    output: results/birds/download.json
    log: logs/download_dataset/birds.log
    wildcards: dataset=birds
rule all:
    input: results/birds/report.html
"""


def test_a_dry_run_lists_the_jobs():
    assert planned_jobs.parse_dry_run(DRY_RUN) == [
        ("embed_images", {"dataset": "birds", "model": "clip", "shard": "0"}, "Missing output files", ""),
        ("download_dataset", {"dataset": "birds"}, "", "logs/download_dataset/birds.log"),
    ]


def test_the_costs_of_an_earlier_run_are_added_up(tmp_path):
    for shard, seconds in enumerate([1.5, 2.25]):
        path = tmp_path / f"embed_images/birds/clip/{shard}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t100\n", encoding="utf-8")
    (tmp_path / "group_images").mkdir()
    (tmp_path / "group_images/birds.tsv").write_text("s\n4.0\n", encoding="utf-8")
    assert planned_jobs.read_previous_seconds(tmp_path, "embed_images", "birds", "clip") == 3.75
    assert planned_jobs.read_previous_seconds(tmp_path, "embed_images", "birds", "other") is None
    assert planned_jobs.read_previous_seconds(tmp_path, "group_images", "birds") == 4.0


def test_a_synthetic_dataset_is_counted_as_it_will_be_drawn(tmp_path):
    write_delivery(tmp_path / "drawn", **MUSEUM, n_workers=1)
    n_files = len(list((tmp_path / "drawn/datasets").glob("*/chunk_*/*")))
    assert counts.count_images({"layout": "synthetic", "synthetic": MUSEUM}, "nowhere") == n_files


def test_files_are_counted_by_name_and_tables_by_row(tmp_path):
    for name in ("a/x.jpg", "a/y.PNG", "b/z.tif", "b/notes.txt", "b/.hidden.jpg", ".trash/w.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert counts.sample_images(tmp_path, 2) == ["a/x.jpg", "a/y.PNG"]
    rows = pl.DataFrame({"file": ["x.jpg", "y.PNG"]})
    rows.write_csv(tmp_path / "list.csv")
    rows.write_parquet(tmp_path / "list.parquet")
    assert counts.count_images({"layout": "folders"}, tmp_path) == 3
    assert counts.count_images({"layout": "folders"}, tmp_path / "to_be_downloaded") is None
    for name in ("list.csv", "list.parquet"):
        assert counts.count_images({"layout": "table", "table": str(tmp_path / name)}, tmp_path) == 2


def test_a_file_counts_once_in_a_list_of_images(tmp_path):
    pl.DataFrame({"path": ["a.jpg", "a.jpg", "b.jpg", None]}).write_parquet(tmp_path / "images.parquet")
    assert counts.count_listed(tmp_path / "images.parquet") == 2


def test_images_are_inspected_and_decoded_for_their_rates(tmp_path):
    for name in ("a.png", "b.jpg"):
        picture(tmp_path / name, seed=1, size=(40, 30))
    table, seconds = microbenchmarks.measure_inspecting(["a.png", "b.jpg"], tmp_path, max_megapixels=1)
    assert table["path"].to_list() == ["a.png", "b.jpg"] and table["error"].null_count() == 2
    assert seconds > 0
    geometry = {"size": 8, "crop_pct": 1.0, "interpolation": "bicubic"}
    preprocessing = {"folder": tmp_path, "geometry": geometry, "decode": "exact", "max_megapixels": 1}
    assert microbenchmarks.measure_decoding(table, preprocessing) > 0
    assert microbenchmarks.measure_decoding(table.clear(), preprocessing) is None


@pytest.mark.parametrize("precision", [None, "fp32"])
def test_the_colour_histogram_is_measured(precision, monkeypatch):
    monkeypatch.setattr(microbenchmarks, "MIN_SECONDS", 0.0)
    geometry = {"size": 8, "crop_pct": 1.0, "interpolation": "bicubic"}
    network = microbenchmarks.measure_embedding(
        {"library": "histogram"}, geometry, precision=precision, batch_size=2, threads=1
    )
    assert (network.width, network.n_parameters) == (512, 0) and network.seconds > 0


@pytest.mark.parametrize(("n_jobs", "cores", "seconds"), [(1, 8, 60), (2, 8, 30), (40, 8, 15), (40, 1, 60)])
def test_jobs_share_the_cores(n_jobs, cores, seconds):
    assert model.elapsed(60, n_jobs, threads=2, cores=cores) == seconds


def test_folds_leave_one_of_them_for_the_test():
    split = {"train": 0.5, "val": 0.25, "test": 0.25, "held_out_species": 0.0, "folds": 5}
    sizes = model.split_sizes(300, split)
    assert {name: round(n) for name, n in sizes.items()} == {
        "train": 160,
        "val": 80,
        "test": 60,
        "unseen_species": 0,
    }


def test_the_search_never_finds_more_than_there_is():
    sizes = {"train": 100, "test": 20, "unseen_species": 5}
    assert model.search_workload(sizes, ["leave_one_out", "train_gallery"], depth=50) == (
        40,
        2400,
        20 * 20 + 20 * 50,
    )


def test_the_table_adds_up_and_shortages_are_named():
    lines = [
        StageEstimate(
            "cache_pixels", "birds square", 2, 1000, 30.0, 150e6, None, "100 images/s by one thread"
        ),
        StageEstimate("search_neighbours", "birds clip", 1, 1000, 40.0, 1e6, 3e9),
        StageEstimate("prepare_encoder", "birds clip", 1, n_bytes=600e6),
    ]
    *_, last = model.table(lines).splitlines()
    assert " ".join(last.split()) == "together 4 1 min 10 s 751.0 MB 3.0 GB"
    assert model.warnings(lines, free_disk=1e9, free_memory=4e9) == []
    disk, memory = model.warnings(lines, free_disk=7e8, free_memory=2e9)
    assert "751.0 MB" in disk and "700.0 MB" in disk
    assert "search_neighbours of birds clip" in memory
