"""A config and its schema: errors as sentences that name the key, and defaults."""

import copy
import difflib
import math
from collections.abc import Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend


class ConfigError(ValueError):
    """A config that cannot be run; the message names every key at fault."""


def _is_integer(checker: object, value: object) -> bool:
    """Unlike in JSON Schema, 3.0 is not one: code that counts with it would fail later."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(checker: object, value: object) -> bool:
    """Unlike in JSON Schema, nan and inf are not numbers."""
    return _is_integer(checker, value) or (isinstance(value, float) and math.isfinite(value))


Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def check_names(config: object, where: str = "") -> None:
    """Raises ConfigError if a key is not text: names such as 2024 or yes are numbers and booleans in YAML."""
    if isinstance(config, dict):
        for name, inner in config.items():
            if not isinstance(name, str):
                raise ConfigError(
                    f"config key {where}{name}: the name {name!r} is not a text; write it in quotes"
                )
            check_names(inner, f"{where}{name}.")
    elif isinstance(config, list):
        for number, inner in enumerate(config):
            check_names(inner, f"{where}{number}.")


def check_schema(config: object, schema: Mapping[str, Any]) -> None:
    """Raises ConfigError with a sentence for each key that the schema does not allow."""
    errors = sorted(Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path)))
    if errors:
        raise ConfigError("\n".join(line for error in errors for line in _format_error(error)))


def fill_defaults(
    value: object, schema: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]]
) -> object:
    """`value` completed by the defaults of `schema`, at every level; `$ref`s lead to `definitions`."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    if isinstance(value, list):
        return [fill_defaults(item, schema.get("items", {}), definitions) for item in value]
    if not isinstance(value, dict):
        return value
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    result = {key: copy.deepcopy(inner["default"]) for key, inner in properties.items() if "default" in inner}
    result |= value
    if properties:  # in the schema's order, so that a reordered config changes no parameter
        result = {key: result[key] for key in properties if key in result}
    for key in result:
        inner = properties.get(key, others)
        if isinstance(inner, dict):
            result[key] = fill_defaults(result[key], inner, definitions)
    return result


def _format_error(error: ValidationError) -> Iterator[str]:
    where = ".".join(map(str, error.absolute_path)) or "(top level)"
    instance, allowed = cast(Any, error.instance), cast(Any, error.validator_value)
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    if error.validator == "additionalProperties":
        known = schema.get("properties", {})
        unknown = [key for key in instance if key not in known]
        for key in unknown:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            yield f"config key {where}.{key}: unknown key; {hint}allowed: {', '.join(sorted(known))}"
    elif error.validator == "enum":
        yield f"config key {where}: {instance!r} is not one of {', '.join(map(repr, allowed))}"
    elif error.validator == "type":
        remedy = _suggest_number(instance, allowed)
        yield f"config key {where}: {instance!r} is not of type {allowed}{remedy}"
    else:
        description = schema.get("description", "")
        yield f"config key {where}: {error.message}" + (f" ({description})" if description else "")


def _suggest_number(value: object, types: str | list[str]) -> str:
    """What to write instead of a number that YAML accepts and we do not."""
    if not isinstance(value, float) or ("integer" not in types and "number" not in types):
        return ""
    if not math.isfinite(value):
        return "; write a finite number"
    return f"; write {value:.0f}" if value.is_integer() else "; write a whole number"
