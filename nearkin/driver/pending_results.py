"""Results that depend on what a run has yet to make, marked as incomplete until it has made it.

When a job fails, its outputs are gone, and Snakemake does not miss them: what was made from them earlier
is there, is newer than its other inputs, and passes as up to date. So a run begins by marking as
incomplete all that it will make and all that depends on it. These are Snakemake's own marks: it makes
marked files again whatever their dates. A run that reaches its end removes the marks, except from results
whose inputs are gone; a run that was killed leaves them all.
"""

import os
from collections.abc import Callable, Iterable, Mapping


class PendingResults:
    """The marks of one run.

    `mark` and `unmark` set and remove Snakemake's mark of a file, `marked` says which of some have one.
    """

    def __init__(
        self,
        mark: Callable[[str], None],
        unmark: Callable[[str], None],
        marked: Callable[[set[str]], set[str]],
    ) -> None:
        self._mark, self._unmark, self._marked = mark, unmark, marked
        self._to_make: set[str] = set()
        self._marked_before: set[str] = set()
        self._consumers: dict[str, set[str]] = {}

    def mark_pending(
        self, to_make: Mapping[str, Iterable[str]], existing: Mapping[str, Iterable[str]]
    ) -> None:
        """Mark the files that the run will make and those that depend on them; both map files to inputs."""
        self._to_make = set(to_make)
        for output, inputs in [*to_make.items(), *existing.items()]:
            for path in inputs:
                self._consumers.setdefault(path, set()).add(output)
        pending = self._to_make | self._find_dependents(self._to_make)
        self._marked_before = self._marked(pending)
        for path in pending - self._marked_before:
            self._mark(path)

    def unmark_finished(self) -> None:
        """Remove the marks, except from results that depend on a file that was to be made and is missing.

        Marks of an earlier run stay, too: Snakemake removes the mark of a file that it makes.
        """
        missing = {path for path in self._to_make if not os.path.exists(path)}
        pending = self._to_make | self._find_dependents(self._to_make)
        for path in pending - self._marked_before - self._find_dependents(missing):
            self._unmark(path)

    def _find_dependents(self, paths: Iterable[str]) -> set[str]:
        """All files that were or will be made from some files, directly or not."""
        dependents: set[str] = set()
        waiting = list(paths)
        while waiting:
            new = self._consumers.get(waiting.pop(), set()) - dependents
            dependents |= new
            waiting += new
        return dependents
