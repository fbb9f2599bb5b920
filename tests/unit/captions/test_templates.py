"""Captions from templates and names."""

import polars as pl
import pytest

from nearkin.captions.templates import fill_templates
from tests.factories.random_study import labels_of

TEMPLATES = ["A photo of {species}.", "{common_name}, a {category}.", "The {family} {genus}."]


def labels(n=1, **columns):
    fields = {"common_name": None, "family": None} | columns
    return labels_of(["Aus bus"] * n).with_columns(
        pl.lit(value, dtype=pl.String).alias(name) for name, value in fields.items()
    )


def test_the_uuid_selects_a_template_whose_fields_the_image_has():
    complete_labels = labels(40, common_name="Big Bus", family="Busidae")
    assert set(fill_templates(complete_labels, TEMPLATES)["caption"]) == {
        "A photo of Aus bus.",
        "Big Bus, a fish.",
        "The Busidae Aus.",
    }
    template_index = [int(uuid[-8:], 16) % 2 for uuid in complete_labels["uuid"]]
    expected = [["template:1", "template:3"][i] for i in template_index]
    assert fill_templates(labels(40, family="Busidae"), TEMPLATES)["caption_source"].to_list() == expected
    assert fill_templates(labels(common_name=" "), TEMPLATES).row(0) == ("A photo of Aus bus.", "template:1")


def test_the_order_of_the_rows_changes_nothing():
    complete_labels = labels(40, common_name="Big Bus", family="Busidae")
    reversed_captions = fill_templates(complete_labels.reverse(), TEMPLATES).reverse()
    assert reversed_captions.equals(fill_templates(complete_labels, TEMPLATES))


def test_the_genus_is_used_if_no_template_applies():
    assert fill_templates(labels(species=None), TEMPLATES[:2]).row(0) == ("A photo of Aus.", "template:0")


def test_names_are_no_templates_and_braces_can_be_escaped():
    assert (
        fill_templates(labels(species="Aus {genus}"), ["A {{{species}}}."])["caption"].item()
        == "A {Aus {genus}}."
    )


@pytest.mark.parametrize("field", ["colour", "", "species.__class__", "genus!r", "genus:>9"])
def test_other_fields_are_refused(field):
    with pytest.raises(
        ValueError, match=r"captions\.templates: 'A \{.*\}' has .* allowed are common_name, species"
    ):
        fill_templates(labels(), [f"A {{{field}}}"])


def test_a_lone_brace_is_refused():
    with pytest.raises(ValueError, match="captions.templates: 'A {species'"):
        fill_templates(labels(), ["A {species"])
