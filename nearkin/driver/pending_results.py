"""Results that hang on what a run has yet to make, marked as incomplete until it has made it.

Where a job fails, its outputs are gone, and Snakemake does not miss them: what was made of them earlier is
there, is newer than all else that it takes, and passes for up to date. So a run begins by marking as
incomplete all that it will make and all that hangs on it, by Snakemake's own marks, for which it makes
files again whatever their dates. A run that comes to its end takes the marks off again, but for results
whose inputs are gone; one that was killed leaves them all.
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
        self._made: set[str] = set()
        self._kept: set[str] = set()
        self._consumers: dict[str, set[str]] = {}

    def mark_pending(
        self, to_make: Mapping[str, Iterable[str]], existing: Mapping[str, Iterable[str]]
    ) -> None:
        """Mark the files that the run will make, and what hangs on them; both are given with their inputs."""
        self._made = set(to_make)
        for output, inputs in [*to_make.items(), *existing.items()]:
            for path in inputs:
                self._consumers.setdefault(path, set()).add(output)
        pending = self._made | self._find_dependents(self._made)
        self._kept = self._marked(pending)
        for path in pending - self._kept:
            self._mark(path)

    def unmark_finished(self) -> None:
        """Leave the marks of results that hang on a file which was to be made and is not there.

        Those of an earlier run stay, too: Snakemake takes the mark off a file that it makes.
        """
        gone = {path for path in self._made if not os.path.exists(path)}
        for path in (
            (self._made | self._find_dependents(self._made)) - self._kept - self._find_dependents(gone)
        ):
            self._unmark(path)

    def _find_dependents(self, paths: Iterable[str]) -> set[str]:
        """All that was or will be made of some files, directly or not."""
        found, waiting = set(), list(paths)
        while waiting:
            new = self._consumers.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found
