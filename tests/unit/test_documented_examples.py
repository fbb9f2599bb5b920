"""Every example of the documentation is a config that the schema takes."""

import pytest
import yaml

from nearkin.driver.config import resolve_config
from tests import documented

SCHEMA = yaml.safe_load((documented.ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
EXAMPLES = documented.examples()


def test_all_blocks_of_yaml_are_examples():
    pages = [(documented.ROOT / page).read_text(encoding="utf-8") for page in documented.PAGES]
    assert len(EXAMPLES) == sum(page.count("```yaml") + page.count("```yml") for page in pages) >= 10


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_documented_example_is_a_valid_config(name):
    example = EXAMPLES[name]
    settled = resolve_config(documented.study(example), SCHEMA)
    for section in ("datasets", "models"):
        for key, message in example.get(section, {}).items():
            names = [one for one in settled[section] if one == key or one.startswith(f"{key}.")]
            assert names, f"{section}.{key} of {name} is lost"
            assert set(message) - {"extends"} <= set(settled[section][names[0]])
