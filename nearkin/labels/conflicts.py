"""Where rows of one image, or copies of the same bytes, are named differently."""

import polars as pl

from nearkin.labels.policies import raise_if_stop


def flag_conflicting_rows(rows, policies):
    """The rows with a reason where rows of one image differ; `merged` marks all but the first of equal ones.

    All rows of an image share one fate: where one is set aside, so are the others. A row without a name
    goes with one that has a name.
    """
    says = pl.coalesce("species", pl.concat_str("defect", pl.lit(": "), "text"))
    speaks = pl.col("usable") & pl.col("defect").ne_missing("missing")
    several = rows.filter(pl.col("row") > 0).select("uuid").unique()
    said = rows.join(several, on="uuid", how="semi").filter(speaks)
    said = said.group_by("uuid").agg(says.unique().sort().alias("said"))
    said = said.filter(pl.col("said").list.len() > 1).with_columns(pl.col("said").list.join(" | "))
    rows = rows.join(said, on="uuid", how="left", maintain_order="left")
    differing = pl.col("usable") & pl.col("said").is_not_null()
    if policies["conflicting_rows"] == "stop":
        raise_if_stop(rows.filter(differing), "conflicting_rows")
    rows = rows.with_columns(
        reason=pl.when(differing).then(pl.lit("conflicting_rows")).otherwise("reason"),
        detail=pl.when(differing).then(pl.lit("its rows say ") + pl.col("said")).otherwise("detail"),
    )
    rows = _with_fates_shared(rows, several)
    fine = pl.col("reason").is_null()
    nameless = (pl.col("reason") == "no_name").fill_null(False)
    further = fine & (fine.cast(pl.Int32).cum_sum().over("uuid", order_by="row") > 1)
    rows = rows.with_columns(merged=further | (nameless & fine.any().over("uuid")))
    return rows.with_columns(reason=pl.when("merged").then(None).otherwise("reason"))


def _with_fates_shared(rows: pl.DataFrame, several: pl.DataFrame) -> pl.DataFrame:
    """The rows; where a row of an image is set aside, its other rows get that reason, too."""
    aside = rows.filter(pl.col("reason").is_not_null(), pl.col("reason") != "no_name")
    first = aside.join(several, on="uuid", how="semi").sort("uuid", "row").unique("uuid", keep="first")
    shared = first.select(
        "uuid",
        shared="reason",
        because=pl.format("row {} of this image: {}", "row", pl.col("detail").fill_null("")),
    )
    rows = rows.join(shared, on="uuid", how="left", maintain_order="left")
    sharing = pl.col("reason").is_null() & pl.col("shared").is_not_null()
    return rows.with_columns(
        reason=pl.when(sharing).then("shared").otherwise("reason"),
        detail=pl.when(sharing).then("because").otherwise("detail"),
    ).drop("shared", "because")


def byte_duplicates(rows, inspection):
    """The images with the same bytes as another: `uuid` and `sha256`."""
    copies = inspection.filter(pl.col("sha256").is_duplicated()).select("uuid", "sha256")
    return copies.join(rows.select("uuid").unique(), on="uuid", how="semi").sort("uuid")


def clashes(copies):
    """What copies of the same bytes are named that do not agree: `uuid` and `copies`, the evidence."""
    fine = copies.filter(pl.col("reason").is_null()).drop_nulls("genus")
    clash = fine.group_by("sha256").agg(
        pl.max_horizontal(pl.col("genus").n_unique(), pl.col("species").drop_nulls().n_unique()).alias("n"),
        pl.format("{} ({})", pl.coalesce("species", "genus"), "path").unique().sort().head(4).alias("copies"),
    )
    clash = clash.filter(pl.col("n") > 1).select("sha256", copies=pl.col("copies").list.join(" | "))
    return fine.select("uuid", "sha256").unique().join(clash, on="sha256").drop("sha256")


def flag_conflicting_duplicates(rows, clash, policies):
    """The rows with a reason where the same bytes are named twice, and differently."""
    rows = rows.join(clash, on="uuid", how="left", maintain_order="left")
    clashing = pl.col("reason").is_null() & pl.col("copies").is_not_null()
    if policies["label_conflict"] == "stop":
        raise_if_stop(rows.filter(clashing), "label_conflict")
    return rows.with_columns(
        reason=pl.when(clashing).then(pl.lit("label_conflict")).otherwise("reason"),
        detail=pl.when(clashing).then(pl.lit("the same bytes are ") + pl.col("copies")).otherwise("detail"),
        merged=pl.col("merged") & ~clashing,
    )
