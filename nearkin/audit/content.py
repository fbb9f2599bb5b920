"""Everything that the page says, gathered from the tables of the curation."""

from base64 import b64encode
from itertools import chain

import polars as pl

from nearkin.audit import (
    balance,
    conflicts,
    defects,
    near_duplicates,
    overview,
    repairs,
    thumbnails,
)
from nearkin.audit import group_review as doubtful_groups
from nearkin.audit.glossary import SPLIT_REASONS
from nearkin.audit.quarantine import quarantine_by_reason
from nearkin.figures import rank_abundance, theme
from nearkin.html import dataset as sizes_and_repairs
from nearkin.vocabulary import ALL, EXCLUDED, SPLITS


def collect(
    *,
    dataset,
    images,
    inspection,
    labels,
    captions,
    quarantine,
    curation_log,
    groups,
    groups_to_review,
    splits,
    statistics,
    folder,
    max_megapixels,
    trusted=(),
):
    """The content that `page.render_audit` shows, as a dict.

    The tables are lazy (but for `statistics`) and sorted by their keys: only counts, and the rows
    that are shown, are ever read whole. Pictures come from `folder`, where the delivery lies.
    """
    categories, names = overview.list_categories(images)
    by = {"categories": categories, "names": names}
    counted = defects.count_defects(curation_log, **by)
    per_species = balance.count_images_per_species(labels, categories)
    shown = {
        "set_aside": quarantine_by_reason(quarantine, counted, categories=categories),
        "rows_that_differ": conflicts.list_conflicting_rows(quarantine, images),
        "copies_that_differ": conflicts.list_conflicting_copies(quarantine, images, inspection=inspection),
        "disagreeing": doubtful_groups.list_groups(groups_to_review, labels, reason="mixed_species"),
        "oversized": doubtful_groups.list_groups(groups_to_review, labels, reason="oversized"),
        "alike": near_duplicates.list_groups(groups, labels, inspection=inspection),
    }
    rows = _select_pictured(list(_list_uuids(shown)), inspection)
    embedded = thumbnails.make_thumbnails(rows, folder, max_megapixels=max_megapixels, trusted=trusted)
    return shown | {
        "dataset": dataset,
        "names": names,
        "fates": overview.count_outcomes(
            images, labels, quarantine=quarantine, curation_log=curation_log, **by
        ),
        "caption_sources": overview.count_caption_sources(captions, **by),
        "defects": counted,
        "look": defects.review_checklist(counted),
        "repairs": repairs.list_changes(curation_log, categories=categories),
        "balance": balance.summarise_by_category(per_species, names),
        "ends": balance.extremes(per_species),
        "abundance": _inline_svg(theme.render_svg(rank_abundance.plot_rank_abundance(per_species, names))),
        "statistics": sizes_and_repairs.split_sizes(
            statistics.filter(pl.col("category").is_in([*names, ALL]))
        ),
        "sides": balance.split_counts(splits, order=[*SPLITS, EXCLUDED], **by),
        "by_rule": balance.not_random(splits, labels),
        "rules": SPLIT_REASONS,
        "pictures": embedded,
        "pictured": [
            reason["reason"]
            for reason in shown["set_aside"]
            if any(embedded[row["uuid"]]["source"] for row in reason["rows"])
        ],
    }


def _list_uuids(shown):
    """The images of everything that is shown, conflicts first."""
    yield from (one["uuid"] for one in shown["rows_that_differ"][1])
    yield from (one["uuid"] for group in shown["copies_that_differ"][1] for one in group)
    members = chain(
        shown["disagreeing"][1], shown["alike"]["near"], shown["oversized"][1], shown["alike"]["copies"]
    )
    yield from (one["uuid"] for group in members for one in group["members"])
    yield from (one["uuid"] for reason in shown["set_aside"] for one in reason["rows"])


def _select_pictured(uuids, inspection):
    """What `thumbnails.make_thumbnails` takes."""
    wanted = pl.DataFrame({"uuid": uuids}, schema={"uuid": pl.String})
    wanted = wanted.group_by("uuid", maintain_order=True).len("times")
    found = inspection.select("uuid", "path", "error").join(wanted.lazy(), on="uuid", how="semi").collect()
    rows = wanted.join(found, on="uuid", how="left", maintain_order="left")
    nothing = pl.when(pl.col("path").is_null()).then(pl.lit("no file opened"))
    rows = rows.with_columns(error=nothing.otherwise("error"))
    return rows.select("uuid", "path", "error", "times").rows()


def _inline_svg(svg):
    return f"data:image/svg+xml;base64,{b64encode(svg).decode('ascii')}"
