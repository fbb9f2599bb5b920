"""External tables are read by their exact file names, and errors name the file, also for panics of polars."""

import ast
import re
from pathlib import Path

import polars as pl
import pytest

from nearkin.captions import external
from nearkin.estimate import counts
from nearkin.labels import taxonomy
from nearkin.sources import errors, image_table
from nearkin.sources.image_ids import image_uuid
from nearkin.storage import tables
from nearkin.tables.images import Inspection
from scripts.import_embeddings import import_embeddings
from tests.factories.delivery import images_of, inspection_of

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("kind", [pl.exceptions.ComputeError, pl.exceptions.PanicException, OSError])
def test_the_file_is_named(kind):
    with (
        pytest.raises(ValueError, match="t.parquet: cannot be read as a table: broken"),
        errors.name_errors("t.parquet", "a table"),
    ):
        raise kind("broken")


def test_errors_unrelated_to_the_file_are_unchanged():
    with pytest.raises(KeyError), errors.name_errors("t.parquet", "a table"):
        raise KeyError("ours")


@pytest.fixture
def write_bracketed_table(tmp_path):
    """Writes a table to a file whose name is a glob pattern, and another to a file that matches it."""

    def write(columns, other_columns, kind="parquet"):
        for name, data in (("t[1]", columns), ("t1", other_columns)):
            frame, path = pl.DataFrame(data), tmp_path / f"{name}.{kind}"
            frame.write_parquet(path) if kind == "parquet" else frame.write_csv(path)
        return str(tmp_path / f"t[1].{kind}")

    return write


def test_captions_are_read_from_the_exact_file(write_bracketed_table):
    path = write_bracketed_table({"image": ["a"], "text": ["right"]}, {"image": ["a"], "other": ["wrong"]})
    assert external.read_caption_table(path, image="image", caption="text")["caption"].to_list() == ["right"]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_taxonomy_is_read_from_the_exact_file(write_bracketed_table, kind):
    names = [{"scientificName": [name], "family": ["Aidae"]} for name in ("Aus bus", "Aus wrong")]
    assert taxonomy.read_taxonomy(write_bracketed_table(*names, kind=kind), ["Aus"])["name"].to_list() == [
        "Aus bus"
    ]


def test_a_list_of_images_is_read_from_the_exact_file(write_bracketed_table):
    path = write_bracketed_table({"file": ["a.jpg"], "name": ["Aus bus"]}, {"nothing": ["b.jpg"]})
    overrides = {"file": "file", "species": "name"}
    assert image_table.read_image_table(path, preset=None, overrides=overrides)["raw_name"].to_list() == [
        "Aus bus"
    ]
    image_list = write_bracketed_table({"path": ["a", "b"]}, {"path": ["a"]})
    assert counts.count_listed(image_list) == 2


def test_embeddings_are_read_from_the_exact_file(write_bracketed_table, tmp_path):
    table = inspection_of(images_of([{"uuid": image_uuid("d", "a.jpg"), "path": "a.jpg"}]))
    tables.write(table, tmp_path / "inspection.parquet", Inspection)
    path = write_bracketed_table(
        {"uuid": table["uuid"], "emb": [[0.0, 2.0]]}, {"uuid": ["other"], "emb": [[1.0, 0.0]]}
    )
    paths = path, tmp_path / "inspection.parquet", tmp_path / "0.parquet"
    import_embeddings(*paths, dataset="d", model="m")
    assert pl.read_parquet(paths[2], glob=False)["emb"].to_list() == [[0.0, 1.0]]


def test_polars_never_interprets_a_file_name_as_a_pattern():
    calls = [
        (path, call)
        for folder in ("nearkin", "scripts", "workflow", "docs", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and re.fullmatch(r"pl\.(scan|read)_\w+", ast.unparse(call.func))
    ]
    without_glob = [
        f"{path.name}:{call.lineno}"
        for path, call in calls
        if not any(
            keyword.arg == "glob" and ast.unparse(keyword.value) == "False" for keyword in call.keywords
        )
    ]
    assert calls and not without_glob
