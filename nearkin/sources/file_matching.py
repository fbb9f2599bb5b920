"""Which file of a delivered folder a listed name means."""

import re
import unicodedata
from os.path import splitext
from urllib.parse import unquote

import polars as pl

from nearkin.sources.leaving import ESCAPE_PATTERN
from nearkin.sources.walk import IMAGE_SUFFIXES

CHUNK_ROWS = 500_000
"""Listed names that are looked for at a time: enough to be fast, too few to fill the memory."""


class Matcher:
    """Finds the files that listed names mean, with or without folders in front.

    The rungs, best first: the same name, another Unicode form of it, another extension of
    an image (or the same in other case), another case or other spaces, underscores and
    escapes. The first rung with a file decides; if it has several, the name is ambiguous.
    """

    def __init__(self, files):
        path = pl.col("path")
        self._files = pl.DataFrame({"path": files}, schema={"path": pl.String}).select(
            path, name=_file_name_expr(path), folders=_folder_expr(path)
        )

    def exact(self, listed):
        """The files that are found by exactly a listed name."""
        found = _match_at_level(_split_names(listed), self._files, "exact")
        return found.filter(match_kind="exact")["path"].unique()

    def find(self, listed, claimed):
        """A row for each distinct listed name: `listed_name`, `path` (null without one) and `match_kind`.

        Files in the column `claimed` are only found by their exact name: they belong to that.
        """
        outside = (
            listed.unique()
            .alias("listed_name")
            .to_frame()
            .filter(pl.col("listed_name").str.contains(ESCAPE_PATTERN))
        )
        left = _split_names(listed)
        free = self._files.join(claimed.to_frame("path"), on="path", how="anti")
        found = [_list_unmatched(outside, "outside_folder")]
        for rung in MATCH_LEVELS:
            found.append(_match_at_level(left, self._files if rung == "exact" else free, rung))
            left = left.join(found[-1], on="listed_name", how="anti")
            if left.is_empty():
                break
        return pl.concat([*found, _list_unmatched(left, "missing")])


def _normalise_unicode(name):
    return unicodedata.normalize("NFC", name)


def _drop_extension(name):
    stem, suffix = splitext(_normalise_unicode(name))
    return stem if suffix.lower() in IMAGE_SUFFIXES else _normalise_unicode(name)


MATCH_LEVELS = {
    "exact": str,
    "unicode": _normalise_unicode,
    "extension": _drop_extension,
    "case": lambda name: re.sub(r"[\s_]+", " ", _drop_extension(unquote(name).strip())).casefold(),
}


def _file_name_expr(path):
    return path.str.extract(r"([^/]*)$")


def _folder_expr(path):
    return path.str.extract(r"(?s)^(.*)/").fill_null("").str.normalize("NFC")


def _split_names(listed):
    """The distinct listed names that stay inside, each with its last part and the folders in front."""
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


def _match_at_level(left, files, rung):
    """What is found on a rung; names that it has no file for are left out."""
    left, files = _add_key(left, rung), _add_key(files, rung)
    found = [_list_unmatched(left.clear(), rung)]
    for names in left.iter_slices(CHUNK_ROWS):
        near = files.join(names, on="key", how="semi")
        for (depth,), same_depth in names.group_by("depth", maintain_order=True):
            ending = near.join(_list_folder_ends(near, depth), on="folders").select(
                "key", "path", folders="end"
            )
            places = ending.group_by("key", "folders").agg(pl.col("path").first(), n=pl.len())
            meant = same_depth.join(places, on=["key", "folders"])
            found.append(
                meant.select(
                    "listed_name",
                    path=pl.when(n=1).then("path"),
                    match_kind=pl.when(n=1).then(pl.lit(rung)).otherwise(pl.lit("ambiguous")),
                )
            )
    return pl.concat(found)


def _list_folder_ends(files, depth):
    """The last folders, as many as `depth`, of those folders that are deep enough."""
    folders = files.select(pl.col("folders").unique())
    parts = pl.col("folders").str.split("/")
    deep = folders.filter(parts.list.len() >= depth)
    return deep.with_columns(end=parts.list.tail(depth).list.join("/"))


def _add_key(names, rung):
    if rung == "exact":
        return names.with_columns(key="name")
    keys = pl.Series(map(MATCH_LEVELS[rung], names["name"]), dtype=pl.String)
    return names.with_columns(key=keys)


def _list_unmatched(left, match):
    return left.select("listed_name", path=pl.lit(None, dtype=pl.String), match_kind=pl.lit(match))
