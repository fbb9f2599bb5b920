"""A fine-tuning's recipe with the schema's defaults."""

from nearkin.driver.config_schema import check_schema, fill_defaults
from nearkin.finetune.recipe import recipe_settings
from tests.factories.schema import SCHEMA


def recipe_of(**settings):
    """The recipe of a model whose `finetune` says this."""
    schema, finetune = SCHEMA["$defs"]["finetune"], {"base": "any", **settings}
    check_schema(finetune, schema)
    return recipe_settings(fill_defaults(finetune, schema, SCHEMA["$defs"]))
