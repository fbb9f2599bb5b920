"""Any bytes of a table and any values of a config are read, or refused with the file or key named."""

import copy
from contextlib import suppress
from functools import reduce
from operator import getitem
from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.captions import external
from nearkin.driver.config import ConfigError, resolve_config
from nearkin.labels import taxonomy
from nearkin.sources import image_table
from tests.factories import delivery
from tests.factories.schema import SCHEMA

ROOT = Path(__file__).parents[3]
SHIPPED = resolve_config(yaml.safe_load((ROOT / "config/config.yaml").read_text()), SCHEMA)

HEADER = ["file", "scientificName", "caption"]
ROWS = [["a.jpg", "Aus bus", 'a "fish"'], ["b.jpg", "Aus cus", "two\nlines"], ["c.jpg", "", "déjà vu"]]

READERS = {
    "images": lambda path: image_table.read_image_table(
        path, preset=None, overrides={"file": "file", "species": "scientificName"}
    ),
    "taxonomy": lambda path: taxonomy.read_taxonomy(path, {"Aus"}),
    "captions": lambda path: external.read_caption_table(path, image="file", caption="caption"),
}


@pytest.fixture(scope="module", params=["csv", "parquet"])
def content(request, tmp_path_factory):
    """The bytes of a table that all readers accept, and its file suffix."""
    path = tmp_path_factory.mktemp("table") / f"t.{request.param}"
    if request.param == "csv":
        delivery.table(path, HEADER, ROWS)
    else:
        pl.DataFrame(ROWS, schema=HEADER, orient="row").write_parquet(path)
    return path.read_bytes(), path.suffix


@st.composite
def damage(draw, content):
    """The bytes with some overwritten, inserted or removed."""
    damaged = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(damaged)))
        end = draw(st.sampled_from([start, start + 1, start + 8, len(damaged)]))
        damaged[start:end] = draw(
            st.binary(max_size=8) | st.sampled_from([b'"', b"\0", b",,,", b"\r", b"\xff\xfe"])
        )
    return bytes(damaged)


@pytest.mark.parametrize("reader", READERS)
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_damaged_table_is_read_or_refused_by_name(reader, content, data, tmp_path_factory):
    """No other error, no hang, and never more rows than bytes."""
    undamaged, suffix = content
    path = tmp_path_factory.getbasetemp() / f"damaged{suffix}"
    path.write_bytes(data.draw(damage(undamaged)))
    try:
        table = READERS[reader](path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert len(table) <= path.stat().st_size


ANY_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**6) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def list_key_paths(value, path=()):
    """The paths of all keys and list indices."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from list_key_paths(item, (*path, key))


KEY_PATHS = sorted(list_key_paths(SHIPPED), key=str)


@settings(deadline=None, max_examples=400)
@given(st.lists(st.tuples(st.sampled_from(KEY_PATHS), ANY_VALUES), min_size=1, max_size=2))
def test_any_config_is_resolved_completely_or_refused_by_key(changes):
    config = copy.deepcopy(SHIPPED)
    for path, value in changes:
        with suppress(KeyError, IndexError, TypeError):  # the first change removed the second path
            reduce(getitem, path[:-1], config)[path[-1]] = value
    try:
        complete_config = resolve_config(config, SCHEMA)
    except ConfigError as error:
        assert str(error).startswith("config key ")
    else:
        assert resolve_config(complete_config, SCHEMA) == complete_config
        assert set(SCHEMA["properties"]) == set(complete_config)
