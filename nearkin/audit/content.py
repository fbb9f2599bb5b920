"""Everything that the page says, collected from the tables of the curation."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypedDict

import polars as pl

from nearkin.audit import (
    balance,
    conflicts,
    defects,
    group_review,
    near_duplicates,
    overview,
    repairs,
    thumbnails,
)
from nearkin.audit.glossary import SPLIT_REASONS
from nearkin.audit.quarantine import QuarantineReason, group_quarantine
from nearkin.figures import rank_abundance, theme
from nearkin.html import dataset as sizes_and_repairs
from nearkin.sources.safe_paths import AnyPath
from nearkin.vocabulary import ALL, EXCLUDED, SPLITS


class ShownImages(TypedDict):
    """What the page shows with pictures: where it is a tuple, how many there are, and those shown."""

    quarantine_reasons: list[QuarantineReason]
    rows_that_differ: tuple[int, list[conflicts.ConflictingImage]]
    copies_that_differ: tuple[int, list[list[conflicts.LabelledImage]]]
    disagreeing: tuple[int, list[group_review.ReviewGroup]]
    oversized: tuple[int, list[group_review.ReviewGroup]]
    alike: near_duplicates.SimilarGroups


def collect(
    *,
    dataset: str,
    images: pl.LazyFrame,
    inspection: pl.LazyFrame,
    labels: pl.LazyFrame,
    captions: pl.LazyFrame,
    quarantine: pl.LazyFrame,
    curation_log: pl.LazyFrame,
    groups: pl.LazyFrame,
    groups_to_review: pl.LazyFrame,
    splits: pl.LazyFrame,
    statistics: pl.DataFrame,
    folder: AnyPath,
    max_megapixels: float,
    trusted: Iterable[AnyPath] = (),
) -> dict[str, object]:
    """The content that `page.render_audit` shows, as a dict.

    The lazy tables are sorted by their keys: only counts, and the rows that are shown, are ever
    read whole. Pictures come from `folder`, that of the delivery.
    """
    categories, names = overview.list_categories(images)
    counts = defects.count_defects(curation_log, categories=categories, names=names)
    per_species = balance.count_images_per_species(labels, categories)
    shown: ShownImages = {
        "quarantine_reasons": group_quarantine(quarantine, counts, categories=categories),
        "rows_that_differ": conflicts.list_conflicting_rows(quarantine, images),
        "copies_that_differ": conflicts.list_conflicting_copies(quarantine, images, inspection=inspection),
        "disagreeing": group_review.list_groups(groups_to_review, labels, reason="mixed_species"),
        "oversized": group_review.list_groups(groups_to_review, labels, reason="oversized"),
        "alike": near_duplicates.list_groups(groups, labels, inspection=inspection),
    }
    rows = _select_pictured(list(_iter_uuids(shown)), inspection)
    pictures = thumbnails.make_thumbnails(rows, folder, max_megapixels=max_megapixels, trusted=trusted)
    return {
        **shown,
        "dataset": dataset,
        "names": names,
        "outcomes": overview.count_outcomes(
            images,
            labels,
            quarantine=quarantine,
            curation_log=curation_log,
            categories=categories,
            names=names,
        ),
        "caption_sources": overview.count_caption_sources(captions, categories=categories, names=names),
        "defects": counts,
        "checklist": defects.review_checklist(counts),
        "repairs": repairs.list_changes(curation_log, categories=categories),
        "balance": balance.summarise_by_category(per_species, names),
        "ends": balance.select_extremes(per_species),
        "abundance": _inline_svg(theme.render_svg(rank_abundance.plot_rank_abundance(per_species, names))),
        "statistics": sizes_and_repairs.split_sizes(
            statistics.filter(pl.col("category").is_in([*names, ALL]))
        ),
        "split_counts": balance.split_counts(
            splits, order=[*SPLITS, EXCLUDED], categories=categories, names=names
        ),
        "by_rule": balance.not_random(splits, labels),
        "rules": SPLIT_REASONS,
        "pictures": pictures,
        "pictured": [
            reason["reason"]
            for reason in shown["quarantine_reasons"]
            if any(pictures[row["uuid"]]["source"] for row in reason["rows"])
        ],
    }


def _iter_uuids(shown: ShownImages) -> Iterator[str]:
    """The images of everything that is shown, conflicts first."""
    yield from (image["uuid"] for image in shown["rows_that_differ"][1])
    yield from (image["uuid"] for group in shown["copies_that_differ"][1] for image in group)
    groups = chain(
        shown["disagreeing"][1], shown["alike"]["near"], shown["oversized"][1], shown["alike"]["copies"]
    )
    yield from (image["uuid"] for group in groups for image in group["members"])
    yield from (row["uuid"] for reason in shown["quarantine_reasons"] for row in reason["rows"])


def _select_pictured(
    uuids: Sequence[str], inspection: pl.LazyFrame
) -> list[tuple[str, str | None, str | None, int]]:
    """What `thumbnails.make_thumbnails` takes."""
    counts = pl.DataFrame({"uuid": uuids}, schema={"uuid": pl.String})
    counts = counts.group_by("uuid", maintain_order=True).len("times")
    files = inspection.select("uuid", "path", "error").join(counts.lazy(), on="uuid", how="semi").collect()
    rows = counts.join(files, on="uuid", how="left", maintain_order="left")
    return rows.select("uuid", "path", "error", "times").rows()


def _inline_svg(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{b64encode(svg).decode('ascii')}"
