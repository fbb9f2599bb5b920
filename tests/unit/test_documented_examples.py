"""Every example in the documentation is a valid config."""

import re

import pytest

from nearkin.driver.config import resolve_config
from tests import documented
from tests.factories.schema import SCHEMA

EXAMPLES = documented.read_examples()


def test_every_yaml_block_of_the_documentation_is_an_example():
    pages = [(documented.ROOT / page).read_text(encoding="utf-8") for page in documented.PAGES]
    assert len(EXAMPLES) == sum(page.count("```yaml") + page.count("```yml") for page in pages) >= 10


@pytest.mark.parametrize("name", EXAMPLES)
def test_documented_example_is_a_valid_config(name):
    example = EXAMPLES[name]
    resolved_config = resolve_config(documented.complete_config(example), SCHEMA)
    for section in ("datasets", "models"):
        for key, settings in example.get(section, {}).items():
            names = [
                other for other in resolved_config[section] if other == key or other.startswith(f"{key}.")
            ]
            assert names, f"{section}.{key} of {name} is lost"
            assert set(settings) - {"extends"} <= set(resolved_config[section][names[0]])


def list_keys(schema):
    """The keys and enumerated values of a schema, at any depth."""
    if isinstance(schema, list):
        return {name for part in schema for name in list_keys(part)}
    if not isinstance(schema, dict):
        return set()
    own = {*schema.get("properties", ()), *map(str, schema.get("enum", ()))}
    return own | {name for part in schema.values() for name in list_keys(part)}


@pytest.mark.parametrize(
    "path", ["README.md", "config/README.md", *sorted(documented.ROOT.glob("docs/*.md"))]
)
def test_config_keys_in_the_text_exist(path):
    names = list_keys(SCHEMA)
    text = re.sub("```.*?```", "", (documented.ROOT / path).read_text(encoding="utf-8"), flags=re.DOTALL)
    for key_path in re.findall(r"`((?:[a-z_]+: )+[a-z_]+)`", text):
        assert set(key_path.split(": ")) <= names | {"true", "false", "null", "random"}, key_path
