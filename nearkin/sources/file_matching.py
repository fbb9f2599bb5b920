"""Which file of a delivered folder a listed name means."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from os.path import splitext
from urllib.parse import unquote

import polars as pl

from nearkin.sources.safe_paths import ESCAPE_PATTERN
from nearkin.sources.walk import IMAGE_SUFFIXES

CHUNK_ROWS = 500_000
"""Listed names that are looked up at a time: enough to be fast, too few to fill the memory."""


class Matcher:
    """Finds the files that listed names mean, with or without folders in front.

    The levels, best first: the same name, another Unicode form of it, another extension of
    an image (or the same in other case), another case or other spaces, underscores and
    escapes. The first level with a file decides; if it has several, the name is ambiguous.
    """

    def __init__(self, files: Sequence[str]) -> None:
        path = pl.col("path")
        self._files = pl.DataFrame({"path": files}, schema={"path": pl.String}).select(
            path, name=_file_name_expr(path), folders=_folder_expr(path)
        )

    def exact(self, listed: pl.Series) -> pl.Series:
        """The files whose names are exactly a listed name."""
        matches = _match_at_level(_split_names(listed), self._files, "exact")
        return matches.filter(match_kind="exact")["path"].unique()

    def find(self, listed: pl.Series, claimed: pl.Series) -> pl.DataFrame:
        """A row for each distinct listed name: `listed_name`, `path` (null without one) and `match_kind`.

        Files in `claimed` are only found by their exact name: they belong to that name.
        """
        outside = (
            listed.unique()
            .alias("listed_name")
            .to_frame()
            .filter(pl.col("listed_name").str.contains(ESCAPE_PATTERN))
        )
        unmatched = _split_names(listed)
        unclaimed = self._files.join(claimed.to_frame("path"), on="path", how="anti")
        matches = [_list_unmatched(outside, "outside_folder")]
        for level in MATCH_LEVELS:
            matches.append(_match_at_level(unmatched, self._files if level == "exact" else unclaimed, level))
            unmatched = unmatched.join(matches[-1], on="listed_name", how="anti")
            if unmatched.is_empty():
                break
        return pl.concat([*matches, _list_unmatched(unmatched, "missing")])


def _normalise_unicode(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _drop_extension(name: str) -> str:
    stem, suffix = splitext(_normalise_unicode(name))
    return stem if suffix.lower() in IMAGE_SUFFIXES else _normalise_unicode(name)


MATCH_LEVELS: dict[str, Callable[[str], str]] = {
    "exact": str,
    "unicode": _normalise_unicode,
    "extension": _drop_extension,
    "case": lambda name: re.sub(r"[\s_]+", " ", _drop_extension(unquote(name).strip())).casefold(),
}
"""By match level, best first: the key in which a listed name and a file's name agree."""


def _file_name_expr(path: pl.Expr) -> pl.Expr:
    return path.str.extract(r"([^/]*)$")


def _folder_expr(path: pl.Expr) -> pl.Expr:
    return path.str.extract(r"(?s)^(.*)/").fill_null("").str.normalize("NFC")


def _split_names(listed: pl.Series) -> pl.DataFrame:
    """The distinct listed names that stay inside the folder, each with its last part and its folders."""
    path = pl.col("listed_name").str.replace_all("\\", "/", literal=True)
    folders = _folder_expr(path).str.strip_chars_end("/").str.strip_chars()
    folders = folders.str.strip_prefix(".").str.strip_prefix("/")
    depth = pl.when(folders == "").then(0).otherwise(folders.str.count_matches("/", literal=True) + 1)
    names = (
        listed.unique()
        .alias("listed_name")
        .to_frame()
        .filter(~pl.col("listed_name").str.contains(ESCAPE_PATTERN))
    )
    return names.select("listed_name", name=_file_name_expr(path), folders=folders, depth=depth)


def _match_at_level(unmatched: pl.DataFrame, files: pl.DataFrame, level: str) -> pl.DataFrame:
    """The matches at a level; names without a file at this level have no row."""
    unmatched, files = _add_key(unmatched, level), _add_key(files, level)
    matches = [_list_unmatched(unmatched.clear(), level)]
    for names in unmatched.iter_slices(CHUNK_ROWS):
        candidates = files.join(names, on="key", how="semi")
        for (depth,), same_depth in names.group_by("depth", maintain_order=True):
            ends = candidates.join(_list_folder_ends(candidates, depth), on="folders").select(
                "key", "path", folders="end"
            )
            files_by_key = ends.group_by("key", "folders").agg(pl.col("path").first(), n=pl.len())
            matches.append(
                same_depth.join(files_by_key, on=["key", "folders"]).select(
                    "listed_name",
                    path=pl.when(n=1).then("path"),
                    match_kind=pl.when(n=1).then(pl.lit(level)).otherwise(pl.lit("ambiguous")),
                )
            )
    return pl.concat(matches)


def _list_folder_ends(files: pl.DataFrame, depth: int) -> pl.DataFrame:
    """The last folders, as many as `depth`, of those folders that are deep enough."""
    folders = files.select(pl.col("folders").unique())
    parts = pl.col("folders").str.split("/")
    deep = folders.filter(parts.list.len() >= depth)
    return deep.with_columns(end=parts.list.tail(depth).list.join("/"))


def _add_key(names: pl.DataFrame, level: str) -> pl.DataFrame:
    if level == "exact":
        return names.with_columns(key="name")
    keys = pl.Series(map(MATCH_LEVELS[level], names["name"]), dtype=pl.String)
    return names.with_columns(key=keys)


def _list_unmatched(names: pl.DataFrame, match_kind: str) -> pl.DataFrame:
    return names.select("listed_name", path=pl.lit(None, dtype=pl.String), match_kind=pl.lit(match_kind))
