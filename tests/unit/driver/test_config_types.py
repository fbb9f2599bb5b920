"""The types of a resolved config have the keys of the schema."""

import typing

import pytest

from nearkin.driver import config_types
from tests.unit.driver.test_config import SCHEMA


def find_section(hint):
    """The TypedDict in a type such as `Section`, `Section | None` or `dict[str, Section]`."""
    for part in (hint, *typing.get_args(hint)):
        if typing.is_typeddict(part):
            return part
    return None


def list_sections():
    """Each section by name, with its TypedDict and its schema."""
    pending = [("config", config_types.Config, SCHEMA)]
    while pending:
        name, section, schema = pending.pop()
        yield name, section, schema
        for key, hint in typing.get_type_hints(section).items():
            if inner := find_section(hint):
                inner_schema = schema["properties"][key]
                inner_schema = inner_schema.get(
                    "items", inner_schema.get("additionalProperties") or inner_schema
                )
                if "$ref" in inner_schema:
                    inner_schema = SCHEMA["$defs"][inner_schema["$ref"].removeprefix("#/$defs/")]
                pending.append((key, inner, inner_schema))


SECTIONS = {f"{name}.{section.__name__}": (section, schema) for name, section, schema in list_sections()}


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_has_the_keys_of_the_schema(name):
    section, schema = SECTIONS[name]
    # A resolved config no longer has the keys that are expanded into others.
    removed_keys = {"extends", "grid"} | ({"preset"} if section is config_types.FinetuneConfig else set())
    properties = {key: inner for key, inner in schema["properties"].items() if key not in removed_keys}
    assert set(section.__annotations__) == set(properties)
    required = schema.get("required", [])
    optional = {key for key, inner in properties.items() if "default" not in inner and key not in required}
    assert set(section.__optional_keys__) == optional


def test_every_section_is_tested():
    typed_dicts = {value for value in vars(config_types).values() if typing.is_typeddict(value)}
    assert typed_dicts == {section for section, _ in SECTIONS.values()}
