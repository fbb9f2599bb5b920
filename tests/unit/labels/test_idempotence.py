"""A curated dataset as a new delivery needs no repair."""

from nearkin.storage import tables
from nearkin.tables.labels import Captions, CurationLog, Quarantine
from tests.factories import delivery
from tests.factories.curation import curate

NAMES_BY_FILE = [
    ("a.png", "Papilio_indra"),
    ("b.png", "Papilio indra minori"),
    ("c.png", "Papilio indra (Reakirt, 1866)"),
    ("d.png", "Papilio sp."),
    ("e.png", ""),
]
CAPTIONS = [
    ("Fish", "a.png", "", "A  caf\u00c3\u00a9 &amp; a fish", "datasets/Fish/chunk_0/a.png", "True"),
    ("Fish", "b.png", "", "N/A", "datasets/Fish/chunk_0/b.png", "True"),
    ("Fish", "e.png", "PAPILIO ZELICAON", "A fish.", "datasets/Fish/chunk_0/e.png", "False"),
]


def test_curation_of_its_own_output_changes_nothing(tmp_path):
    folder = delivery.write_vlm4bio(tmp_path / "delivery", NAMES_BY_FILE, CAPTIONS)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    first = curate(folder, tmp_path / "first")
    assert len(tables.read(first["curation_log"], CurationLog)) > 6
    table = {"path": first["captions"], "preset": "nearkin", "overrides": {}}
    second = curate(folder, tmp_path / "second", layout="table", table=table, unlisted="ignore")
    first_captions, second_captions = (tables.read(paths["captions"], Captions) for paths in (first, second))
    ignored_columns = ["raw_name", "caption_source"]
    assert second_captions.drop(ignored_columns).equals(first_captions.drop(ignored_columns))
    assert set(second_captions["caption_source"]) == {"delivered"}
    assert tables.read(second["curation_log"], CurationLog).select("defect", "action").rows() == [
        ("subspecies", "noted")
    ]
    assert tables.read(second["quarantine"], Quarantine).is_empty()
