"""The number of images in a source."""

import polars as pl

from nearkin.estimate import counts
from nearkin.synthetic.write_delivery import write_delivery

SYNTHETIC = {"seed": 3, "n_species": 4, "largest_species": 6, "image_size": 32, "fault_rate": 0.01}


def test_synthetic_dataset_count_equals_the_generated_files(tmp_path):
    write_delivery(tmp_path / "generated", **SYNTHETIC, n_workers=1)
    n_files = len(list((tmp_path / "generated/datasets").glob("*/chunk_*/*")))
    assert counts.count_images({"layout": "synthetic", "synthetic": SYNTHETIC}, "nowhere") == n_files


def test_folders_count_image_files_and_tables_count_rows(tmp_path):
    for name in ("a/x.jpg", "a/y.PNG", "b/z.tif", "b/notes.txt", "b/.hidden.jpg", ".trash/w.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    rows = pl.DataFrame({"file": ["x.jpg", "y.PNG"]})
    rows.write_csv(tmp_path / "list.csv")
    rows.write_parquet(tmp_path / "list.parquet")
    assert counts.count_images({"layout": "folders"}, tmp_path) == 3
    assert counts.count_images({"layout": "folders"}, tmp_path / "to_be_downloaded") is None
    for name in ("list.csv", "list.parquet"):
        assert counts.count_images({"layout": "table", "table": str(tmp_path / name)}, tmp_path) == 2


def test_duplicate_paths_count_once_in_a_list_of_images(tmp_path):
    pl.DataFrame({"path": ["a.jpg", "a.jpg", "b.jpg", None]}).write_parquet(tmp_path / "images.parquet")
    assert counts.count_listed(tmp_path / "images.parquet") == 2
