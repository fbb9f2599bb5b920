"""What a species opens: the numbers of the tables, and data that no name can break out of."""

import json
import re

import pytest

from nearkin.report import page, species_browser
from tests.factories import results
from tests.unit.report.test_page import content_of

ESCAPE = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def made():
    return results.study(16, bootstrap_samples=20)


@pytest.fixture(scope="module")
def content(made):
    return content_of(made)


def entry_of(content, row):
    return content["look_up"]["entries"][row["entry"]]


def test_a_row_opens_its_own_species_with_the_number_it_shows(content):
    for row in content["species"]:
        entry = entry_of(content, row)
        assert (entry["category"], entry["species"]) == (row["category"], row["species"])
        protocol = row["protocol"].replace(" ", "_")
        wanted = {"protocol": protocol, "metric": "recall", "k": 1}
        (found,) = [one for one in entry["numbers"] if wanted.items() <= one.items()]
        assert [value[0] for value in found["values"]] == [round(value, 3) for value in row["recalls"]]
        assert found["n"] == row["n_queries"]


def test_models_share_queries_and_correct_neighbours_have_their_name(content):
    images = content["look_up"]["images"]
    n_queries = 0
    for entry in content["look_up"]["entries"]:
        for query in entry["queries"]:
            assert images[query["image"]][0] == entry["species"]
            assert len(query["models"]) == 3
            for neighbours in query["models"]:
                assert [images[place][0] == entry["species"] for place, _, _ in neighbours] == [
                    bool(right) for *_, right in neighbours
                ]
                n_queries += 1
    assert n_queries > 30


def test_those_a_species_is_taken_for_lead_to_their_own_entries(content):
    entries = content["look_up"]["entries"]
    named = [
        one for entry in entries for taken in entry["taken"] for model in taken["models"] for one in model
    ]
    assert named
    assert all(entries[place]["species"] == name for name, place, _ in named if place is not None)


def test_no_name_ends_the_data(made):
    labels = made["labels"].with_columns(path=ESCAPE + made["labels"]["path"])
    content = content_of(made | {"labels": labels})
    html = page.render_report(content)
    assert ESCAPE not in html
    data = re.search(r'<script type="application/json" id="look-up">(.*?)</script>', html, re.DOTALL)[1]
    assert json.loads(data)["images"][0][1].startswith(ESCAPE)


def test_pictures_beyond_the_limit_lie_beside_the_page(content, tmp_path, monkeypatch):
    assert all(species_browser.encode_jpegs(content["jpegs"]))
    species_browser.write_external_jpegs(content["thumbnails"], content["jpegs"], tmp_path / "empty")
    assert not list((tmp_path / "empty").iterdir())
    monkeypatch.setattr(species_browser, "MAX_INLINE_BYTES", 1000)
    assert species_browser.encode_jpegs(content["jpegs"]) is None
    species_browser.write_external_jpegs(None, content["jpegs"], tmp_path / "full")
    assert len(list((tmp_path / "full").iterdir())) == len(content["jpegs"])
    assert (tmp_path / "full" / "3.jpg").read_bytes() == content["jpegs"][3]
