"""The species browser: it matches the tables, and names cannot break out of its data."""

import json
import re

import pytest

from nearkin.report import page, species_browser
from tests.factories import results
from tests.unit.report.test_page import content_of

ESCAPE = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def study():
    return results.study(16, bootstrap_samples=20)


@pytest.fixture(scope="module")
def content(study):
    return content_of(study)


def find_entry(content, row):
    return content["look_up"]["entries"][row["entry"]]


def test_a_row_opens_the_entry_with_its_numbers(content):
    for row in content["species"]:
        entry = find_entry(content, row)
        assert (entry["category"], entry["species"]) == (row["category"], row["species"])
        protocol = row["protocol"].replace(" ", "_")
        expected = {"protocol": protocol, "metric": "recall", "k": 1}
        (matching,) = [numbers for numbers in entry["numbers"] if expected.items() <= numbers.items()]
        assert [value[0] for value in matching["values"]] == [round(value, 3) for value in row["recalls"]]
        assert matching["n"] == row["n_queries"]


def test_models_share_queries_and_correct_neighbours_have_their_name(content):
    images = content["look_up"]["images"]
    n_queries = 0
    for entry in content["look_up"]["entries"]:
        for query in entry["queries"]:
            assert images[query["image"]][0] == entry["species"]
            assert len(query["models"]) == 3
            for neighbours in query["models"]:
                assert [images[index][0] == entry["species"] for index, _, _ in neighbours] == [
                    bool(is_correct) for *_, is_correct in neighbours
                ]
                n_queries += 1
    assert n_queries > 30


def test_confused_species_link_to_their_own_entries(content):
    entries = content["look_up"]["entries"]
    confusions = [
        confusion
        for entry in entries
        for confused in entry["taken"]
        for model in confused["models"]
        for confusion in model
    ]
    assert confusions
    assert all(entries[index]["species"] == name for name, index, _ in confusions if index is not None)


def test_a_closing_tag_in_a_name_is_escaped(study):
    labels = study["labels"].with_columns(path=ESCAPE + study["labels"]["path"])
    content = content_of(study | {"labels": labels})
    html = page.render_report(content)
    assert ESCAPE not in html
    data = re.search(r'<script type="application/json" id="look-up">(.*?)</script>', html, re.DOTALL)[1]
    assert json.loads(data)["images"][0][1].startswith(ESCAPE)


def test_pictures_beyond_the_limit_are_external_files(content, tmp_path, monkeypatch):
    assert all(species_browser.encode_jpegs(content["jpegs"]))
    species_browser.write_external_jpegs(content["thumbnails"], content["jpegs"], tmp_path / "empty")
    assert not list((tmp_path / "empty").iterdir())
    monkeypatch.setattr(species_browser, "MAX_INLINE_BYTES", 1000)
    assert species_browser.encode_jpegs(content["jpegs"]) is None
    species_browser.write_external_jpegs(None, content["jpegs"], tmp_path / "full")
    assert len(list((tmp_path / "full").iterdir())) == len(content["jpegs"])
    assert (tmp_path / "full" / "3.jpg").read_bytes() == content["jpegs"][3]
