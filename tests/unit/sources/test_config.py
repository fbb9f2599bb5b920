"""Valid configs of a dataset's source, and the errors for invalid ones."""

from pathlib import Path

import pytest
import yaml

from nearkin.driver.config import ConfigError, resolve_config
from tests.factories.schema import SCHEMA

ROOT = Path(__file__).parents[3]
TABLE = {"layout": "table", "folder": "f", "table": "t.csv"}
DOWNLOAD = {"repo": "museum/fish", "revision": "0" * 40}


def resolve_sources(*sources):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config["datasets"] = {f"d{number}": {"source": source} for number, source in enumerate(sources, start=1)}
    return [dataset["source"] for dataset in resolve_config(config, SCHEMA)["datasets"].values()]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"layout": "table", "folder": "f"}, "d1.source.table: needed for layout 'table'"),
        (TABLE, "d1.source.columns.file: needed without a preset"),
        (TABLE | {"columns": {"file": []}}, "d1.source.columns.file: needed without a preset"),
        (
            TABLE | {"columns": {"file": "{id.jpg"}},
            "d1.source.columns.file: '{id.jpg' has braces without a column",
        ),
        (TABLE | {"columns": {"fiel": "id"}}, "d1.source.columns.fiel: unknown key; did you mean 'file'?"),
        (TABLE | {"preset": "gbif"}, "d1.source.preset: 'gbif' is not one of 'vlm4bio', 'bioscan_5m'"),
        ({"layout": "folders", "folder": "f", "table": "t"}, "d1.source.table: only layout 'table' reads it"),
        (
            {"layout": "vlm4bio", "folder": "f", "columns": {"file": "x"}},
            "d1.source.columns: only layout 'table'",
        ),
        ({"layout": "synthetic", "download": DOWNLOAD}, "d1.source.download: the synthetic dataset is drawn"),
        (
            {"layout": "synthetic", "follow_links": ["/data"]},
            "d1.source.follow_links: the synthetic dataset has no",
        ),
        ({"layout": "folders", "folder": "f", "follow_links": "/data"}, "follow_links: '/data' is not"),
        ({"layout": "folders", "download": DOWNLOAD}, "d1.source.folder: needed"),
        (TABLE | {"download": DOWNLOAD | {"revision": "main"}}, "d1.source.download.revision: 'main'"),
        (TABLE | {"download": DOWNLOAD | {"repo": "../etc/passwd"}}, "d1.source.download.repo"),
    ],
)
def test_invalid_sources(source, message):
    with pytest.raises(ConfigError) as caught:
        resolve_sources(source)
    assert message in str(caught.value)


def test_valid_sources():
    (table,) = resolve_sources(
        TABLE | {"preset": "bioscan_5m", "columns": {"species": ["name", "{genus} sp."]}}
    )
    assert table["unlisted"] == "quarantine" and table["download"] is None
    assert table["columns"] == {"species": ["name", "{genus} sp."]}


def test_datasets_of_one_folder_share_its_download():
    source = {"layout": "folders", "folder": "f", "download": DOWNLOAD}
    assert len(resolve_sources(source, source)) == 2
    for other in (None, DOWNLOAD | {"revision": "1" * 40}):
        with pytest.raises(ConfigError, match=r"d2\.source\.download: is not that of 'd1'.*folder 'f'"):
            resolve_sources(source, source | {"download": other})


def test_the_reference_study_downloads_a_pinned_commit():
    config = yaml.safe_load((ROOT / "config/vlm4bio.yaml").read_text())
    assert len(resolve_config(config, SCHEMA)["datasets"]["vlm4bio"]["source"]["download"]["revision"]) == 40
