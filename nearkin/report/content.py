"""Everything that the page says, gathered from finished tables."""

from nearkin.html import dataset as sizes_and_repairs
from nearkin.report import claims as claims_of_pairs
from nearkin.report import headline_tables, species, species_browser
from nearkin.report.comparisons import format_verdict, summarise_pair
from nearkin.report.figures import figures_by_kind, generic_captions
from nearkin.storage import tables
from nearkin.tables.categories import category_title, sort_categories
from nearkin.vocabulary import ALL


def collect(
    *,
    dataset,
    models,
    method,
    records,
    others,
    statistics,
    curation_log,
    quarantine,
    splits,
    recalls,
    differences,
    comparisons,
    claims,
    descriptions,
    figures,
    captions,
    examples,
    mistaken,
    labels,
    thumbnails,
    mixed_versions,
):
    """The content that `page.render_report` shows, as a dict.

    `recalls`, `descriptions`, `examples` and `mistaken` are by model, `differences`, `comparisons`
    and `claims` by (base, trained), `captions` by kind; `labels` and `thumbnails` are lazy;
    `figures` by where they lie, ending in their kind, as bytes of SVG. `records` and `others`
    are those of `nearkin.report.headline_numbers`; `method` holds the config's values that the methods
    section puts into words; `mixed_versions` names libraries of which several versions made the tables.
    """
    rows, n_rows = species.make_species_table(recalls, differences)
    places = species_browser.entry_index(rows)
    look_up, jpegs = species_browser.collect_entries(
        rows, recalls=recalls, examples=examples, mistaken=mistaken, labels=labels, thumbnails=thumbnails
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
            claims_of_pairs.claims_of_pair(frame, base=base, trained=trained)
            for (base, trained), frame in claims.items()
        ],
        "pictures": figures_by_kind(figures, captions, k=1),
        "shared": generic_captions(captions, k=1),
        "species": [row | {"entry": places[row["category"], row["species"]]} for row in rows],
        "n_species_rows": n_rows,
        "species_filters": _make_filters(rows, has_categories=has_categories),
        "look_up": look_up,
        "n_shown": species_browser.count_most_queries(look_up["entries"]),
        "jpegs": jpegs,
        "thumbnails": species_browser.encode_jpegs(jpegs),
        "statistics": sizes_and_repairs.split_sizes(statistics),
        "repairs": sizes_and_repairs.repair_counts(curation_log),
        "set_aside": sizes_and_repairs.quarantine_counts(quarantine),
        "moved": sizes_and_repairs.nonrandom_counts(splits),
        "encoders": [_describe_encoder(model, descriptions.get(model)) for model in models],
        "table_format": tables.FORMAT_VERSION,
        "mixed_versions": mixed_versions,
    }


def _make_filters(rows, *, has_categories):
    """What the species table can be narrowed by: (title, column, values), where there is a choice."""
    found = [
        (
            "Category",
            1,
            [category_title(name) for name in sort_categories({row["category"] for row in rows})],
        ),
        ("Protocol", 1 + has_categories, list(dict.fromkeys(row["protocol"] for row in rows))),
    ]
    return [filter for filter in found if len(filter[2]) > 1]


def _describe_encoder(model, description):
    """A model's row of provenance; a model without an encoder is a table of embeddings."""
    said = description or {}
    return {
        "name": model,
        "encoder": " ".join(str(said[key]) for key in ("library", "name") if said.get(key))
        or "embeddings made elsewhere",
        "weights": said.get("weights") or "–",
        "source": said.get("source"),
        "width": said.get("width", "–"),
        "parameters": f"{said['parameters']:,}" if said.get("parameters") else "–",
        "fingerprint": said.get("fingerprint", "–"),
    }
