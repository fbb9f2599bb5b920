"""Every folder of a delivery, once, whatever links lead to it. No libraries: planning a run needs it."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nearkin.sources.safe_paths import AnyPath, is_inside, raise_if_unreadable


class Folder(NamedTuple):
    """A folder below the delivered one; if it was not entered, the reason, and where it leads."""

    path: str  # relative to the delivered folder, with forward slashes; "" for that itself
    files: list[str]  # names of all entries but folders, sorted, none hidden
    left_out: str | None = None  # linked_folder: not in a trusted folder; repeated_folder: entered before
    leads_to: str = ""


def list_folders(folder: AnyPath, trusted: Iterable[AnyPath] = ()) -> Iterator[Folder]:
    """`folder` and the folders below it in a fixed order, without hidden ones; linked ones come last.

    A linked folder is entered if it leads to one of `trusted` or below, and none is entered
    twice, so that loops end. Raises UnreadableError for a folder that cannot be read, and ValueError
    for a trusted one that is not there.
    """
    trusted = tuple(trusted)
    for root in trusted:
        if not os.path.isdir(root):
            raise ValueError(f"no folder {str(root)!r}: correct the dataset's source.follow_links")
    entered: dict[str, str] = {}
    links: deque[str] = deque()
    yield from _list_below(folder, "", entered, links)
    while links:
        path = links.popleft()
        whole = os.path.join(folder, path)
        if os.path.realpath(whole) in entered or any(is_inside(root, whole) for root in trusted):
            yield from _list_below(folder, path, entered, links)
        else:
            yield Folder(path, [], "linked_folder", os.readlink(whole))


def _list_below(folder: AnyPath, path: str, entered: dict[str, str], links: deque[str]) -> Iterator[Folder]:
    waiting = [(path, os.path.realpath(os.path.join(folder, path)))]
    while waiting:
        path, real = waiting.pop()
        if real in entered:
            yield Folder(path, [], "repeated_folder", entered[real] or ".")
            continue
        entered[real] = path
        files, inner = [], []
        whole = os.path.join(folder, path)
        with raise_if_unreadable(whole), os.scandir(whole) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                below = f"{path}/{entry.name}" if path else entry.name
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    inner.append((below, os.path.join(real, entry.name)))
                elif os.path.isdir(entry.path):
                    links.append(below)
                else:
                    files.append(entry.name)
        yield Folder(path, files)
        waiting += reversed(inner)
