"""Everything that the page says, collected from finished tables."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import polars as pl

from nearkin.html import dataset as sizes_and_repairs
from nearkin.report import claims as claims_of_pairs
from nearkin.report import headline_tables, species, species_browser
from nearkin.report.comparisons import format_verdict, summarise_pair
from nearkin.report.figures import fill_generic_captions, group_figures
from nearkin.report.headline_numbers import MetricRecord
from nearkin.storage import tables
from nearkin.tables.categories import category_title, sort_categories
from nearkin.vocabulary import ALL


class EncoderDescription(TypedDict, total=False):
    """What the page uses of an `encoder.json`."""

    library: str
    name: str
    weights: str
    source: str
    width: int
    parameters: int
    fingerprint: str


def collect(
    *,
    dataset: str,
    models: Sequence[str],
    method: Mapping[str, object],
    records: Sequence[MetricRecord],
    others: Sequence[MetricRecord],
    statistics: pl.DataFrame,
    curation_log: pl.DataFrame,
    quarantine: pl.DataFrame,
    splits: pl.DataFrame,
    recalls: Mapping[str, pl.DataFrame],
    differences: Mapping[tuple[str, str], pl.DataFrame],
    comparisons: Mapping[tuple[str, str], str],
    claims: Mapping[tuple[str, str], pl.DataFrame],
    descriptions: Mapping[str, EncoderDescription],
    figures: Mapping[tuple[str, ...], bytes],
    captions: Mapping[str, str],
    examples: Mapping[str, pl.DataFrame],
    confusions: Mapping[str, pl.DataFrame],
    labels: pl.LazyFrame,
    thumbnails: pl.LazyFrame,
    mixed_versions: str,
) -> dict[str, Any]:
    """The content that `page.render_report` shows, as a dict.

    `recalls`, `descriptions`, `examples` and `confusions` are by model, `differences`, `comparisons`
    and `claims` by (base, trained), `captions` by kind; `figures` are bytes of SVG by the parts of their
    path, the last of which is their kind. `records` and `others` are those of
    `nearkin.report.headline_numbers`; `method` holds the config's values that the methods section puts
    into words; `mixed_versions` names libraries of which several versions made the tables.
    """
    rows, n_rows = species.make_species_table(recalls, differences)
    entry_index = species_browser.entry_index(rows)
    look_up, jpegs = species_browser.collect_entries(
        rows, recalls=recalls, examples=examples, confusions=confusions, labels=labels, thumbnails=thumbnails
    )
    has_categories = set(statistics["category"]) != {ALL}
    return {
        "dataset": dataset,
        "has_categories": has_categories,
        "models": models,
        "method": method,
        "titles": headline_tables.TITLES,
        "verdict": format_verdict,
        "whole": statistics.filter(category=ALL, split=ALL).row(0, named=True),
        "lead": headline_tables.lead_numbers(records, models=models),
        "headline": headline_tables.make_headline_tables(records, others, models=models),
        "pairs": [
            summarise_pair(frame, base=base, trained=trained, text=comparisons[base, trained])
            for (base, trained), frame in differences.items()
        ],
        "claims": [
            claims_of_pairs.collect_pair_claims(frame, base=base, trained=trained)
            for (base, trained), frame in claims.items()
        ],
        "pictures": group_figures(figures, captions, k=1),
        "shared": fill_generic_captions(captions, k=1),
        "species": [{**row, "entry": entry_index[row["category"], row["species"]]} for row in rows],
        "n_species_rows": n_rows,
        "species_filters": _make_filters(rows, has_categories=has_categories),
        "look_up": look_up,
        "n_shown": species_browser.count_most_queries(look_up["entries"]),
        "jpegs": jpegs,
        "thumbnails": species_browser.encode_jpegs(jpegs),
        "statistics": sizes_and_repairs.split_sizes(statistics),
        "repairs": sizes_and_repairs.repair_counts(curation_log),
        "quarantine_reasons": sizes_and_repairs.quarantine_counts(quarantine),
        "moved": sizes_and_repairs.nonrandom_counts(splits),
        "encoders": [_describe_encoder(model, descriptions.get(model)) for model in models],
        "table_format": tables.FORMAT_VERSION,
        "mixed_versions": mixed_versions,
    }


def _make_filters(
    rows: Sequence[species.SpeciesRow], *, has_categories: bool
) -> list[tuple[str, int, list[str]]]:
    """The filters of the species table, (title, column, values), those with more than one value."""
    categories = [category_title(name) for name in sort_categories({row["category"] for row in rows})]
    protocols = list(dict.fromkeys(row["protocol"] for row in rows))
    filters = [("Category", 1, categories), ("Protocol", 1 + has_categories, protocols)]
    return [(title, column, values) for title, column, values in filters if len(values) > 1]


def _describe_encoder(model: str, description: EncoderDescription | None) -> dict[str, object]:
    """A model's row of provenance; a model without an encoder is a table of embeddings."""
    spec = description or EncoderDescription()
    parameters = spec.get("parameters")
    return {
        "name": model,
        "encoder": " ".join(part for part in (spec.get("library"), spec.get("name")) if part)
        or "embeddings made elsewhere",
        "weights": spec.get("weights") or "–",
        "source": spec.get("source"),
        "width": spec.get("width", "–"),
        "parameters": f"{parameters:,}" if parameters else "–",
        "fingerprint": spec.get("fingerprint", "–"),
    }
