"""Conflicts of names: between rows of one image, and between files with the same bytes."""

from collections.abc import Mapping

import polars as pl

from nearkin.labels.policies import raise_if_any


def flag_conflicting_rows(
    rows: pl.DataFrame, names: pl.DataFrame, policies: Mapping[str, str]
) -> pl.DataFrame:
    """The rows with a reason where rows of one image differ; `merged` marks all but the first of equal ones.

    All rows of an image are treated alike: if one is quarantined, so are the others. A row without a
    name is merged into one that has a name.
    """
    name = pl.coalesce("species", pl.concat_str("defect", pl.lit(": "), "text"))
    given = names.filter(pl.col("defect").ne_missing("missing")).select("name_id", row_names=name)
    multi_row = rows.filter(pl.col("row_index") > 0).select("uuid").unique()
    conflicts = rows.filter("usable").join(multi_row, on="uuid", how="semi").join(given, on="name_id")
    conflicts = conflicts.group_by("uuid").agg(pl.col("row_names").unique().sort())
    conflicts = conflicts.filter(pl.col("row_names").list.len() > 1)
    conflicts = conflicts.with_columns(pl.col("row_names").list.join(" | "))
    rows = rows.join(conflicts, on="uuid", how="left", maintain_order="left")
    is_conflict = pl.col("usable") & pl.col("row_names").is_not_null()
    if policies["conflicting_rows"] == "stop":
        raise_if_any(rows.filter(is_conflict), names, "conflicting_rows")
    rows = rows.with_columns(
        reason=pl.when(is_conflict).then(pl.lit("conflicting_rows")).otherwise("reason"),
        detail=pl.when(is_conflict).then(pl.lit("its rows say ") + pl.col("row_names")).otherwise("detail"),
    )
    rows = _share_reasons(rows, multi_row)
    is_fine = pl.col("reason").is_null()
    is_nameless = (pl.col("reason") == "no_name").fill_null(False)
    is_repeat = is_fine & (is_fine.cast(pl.Int32).cum_sum().over("uuid", order_by="row_index") > 1)
    rows = rows.with_columns(merged=is_repeat | (is_nameless & is_fine.any().over("uuid")))
    return rows.with_columns(reason=pl.when("merged").then(None).otherwise("reason"))


def _share_reasons(rows: pl.DataFrame, multi_row: pl.DataFrame) -> pl.DataFrame:
    """The rows; where a row of an image is quarantined, its other rows get that reason, too."""
    flagged = rows.filter(pl.col("reason").is_not_null(), pl.col("reason") != "no_name")
    first = (
        flagged.join(multi_row, on="uuid", how="semi").sort("uuid", "row_index").unique("uuid", keep="first")
    )
    shared = first.select(
        "uuid",
        shared="reason",
        because=pl.format("row {} of this image: {}", "row_index", pl.col("detail").fill_null("")),
    )
    rows = rows.join(shared, on="uuid", how="left", maintain_order="left")
    is_shared = pl.col("reason").is_null() & pl.col("shared").is_not_null()
    return rows.with_columns(
        reason=pl.when(is_shared).then("shared").otherwise("reason"),
        detail=pl.when(is_shared).then("because").otherwise("detail"),
    ).drop("shared", "because")


def find_byte_duplicates(inspection: pl.DataFrame) -> pl.DataFrame:
    """The images with the same bytes as another: `uuid` and `sha256`."""
    return inspection.filter(pl.col("sha256").is_duplicated()).select("uuid", "sha256")


def flag_conflicting_duplicates(
    rows: pl.DataFrame, names: pl.DataFrame, copies: pl.DataFrame, policies: Mapping[str, str]
) -> pl.DataFrame:
    """The rows with a reason where files with the same bytes have different names.

    `copies` is the result of `find_byte_duplicates`.
    """
    given = names.drop_nulls("genus").select(
        "name_id", "genus", "species", name=pl.coalesce("species", "genus")
    )
    named = rows.filter(pl.col("reason").is_null()).select("uuid", "path", "name_id")
    named = named.join(copies, on="uuid").join(given, on="name_id")
    conflicts = named.group_by("sha256").agg(
        pl.max_horizontal(pl.col("genus").n_unique(), pl.col("species").drop_nulls().n_unique()).alias("n"),
        pl.format("{} ({})", "name", "path").unique().sort().head(4).alias("copies"),
    )
    conflicts = conflicts.filter(pl.col("n") > 1).select("sha256", copies=pl.col("copies").list.join(" | "))
    conflicts = named.select("uuid", "sha256").unique().join(conflicts, on="sha256").drop("sha256")
    rows = rows.join(conflicts, on="uuid", how="left", maintain_order="left")
    is_conflict = pl.col("reason").is_null() & pl.col("copies").is_not_null()
    if policies["label_conflict"] == "stop":
        raise_if_any(rows.filter(is_conflict), names, "label_conflict")
    detail = pl.lit("the same bytes are ") + pl.col("copies")
    return rows.with_columns(
        reason=pl.when(is_conflict).then(pl.lit("label_conflict")).otherwise("reason"),
        detail=pl.when(is_conflict).then(detail).otherwise("detail"),
        merged=pl.col("merged") & ~is_conflict,
    ).drop("copies")
