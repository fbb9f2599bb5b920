"""Mutation tests of the core: break one thing at a time, and see whether a test notices.

Every mutation changes one comparison, operator, number, condition, statement or call of a module of
CORE. The tests that belong to the module then run in a process of their own, until the first one fails. A
mutation that no test notices must be in `mutants.yaml`, with the reason why it changes no result. It is
named there by module, function and text, so the list outlives edits elsewhere.

Everything happens in a temporary copy of the files that git knows or does not ignore.
"""

import argparse
import importlib
import inspect
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import yaml

from tests.mutations import Mutation, mutated, mutations_of

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tests/mutants.yaml"
LEAST_KILLED = 0.95

CORE = {
    "search": {
        "search.candidates": ["candidates"],
        "search.brute_force": ["brute_force"],
        "search.topk": ["topk"],
        "search.error_bounds": ["error_bounds", "candidates"],
        "search.similarity": ["topk"],
        "search.exact_knn": ["exact_knn", "exact_knn_resources"],
    },
    "scores": {"evaluation.query_scores": ["query_scores", "odd_scores", "categories"]},
    "averages": {
        "evaluation.averages": ["averages", "average_intervals", "odd_scores", "scores_by_other_libraries"],
        "evaluation.metrics": ["metrics"],
    },
    "intervals": {"evaluation.intervals": ["intervals"], "evaluation.bootstrap": ["bootstrap"]},
    "comparison": {
        "comparison.paired": ["paired", "paired_edges", "odd_scores", "categories"],
        "comparison.shrinkage": ["shrinkage"],
        "evaluation.significance": ["significance"],
    },
    "splits": {
        "splits.split": ["split", "split_rules", "assignment", "conflicts", "scripts"],
        "splits.assignment": ["assignment", "split"],
        "splits.predefined": ["predefined", "conflicts"],
        "splits.conflicts": ["resolve", "conflicts"],
    },
    "groups": {
        "groups.group": ["group"],
        "groups.components": ["components"],
        "groups.cosine_pairs": ["cosine_pairs"],
    },
    "specimens": {"groups.specimens": ["specimens", "group"]},
    "leakage": {"evaluation.leakage": ["leakage"]},
    "near duplicates": {
        "groups.near_duplicates": ["near_duplicates"],
        "groups.alignment": ["alignment", "near_duplicates"],
        "groups.hamming": ["hamming", "near_duplicates"],
    },
    "caption cleaning": {
        "captions.cleaning": ["cleaning"],
        "captions.markup": ["cleaning"],
        "captions.quality": ["cleaning"],
    },
    "loss": {"finetune.loss": ["loss"]},
}
"""By area the modules, and the names of the files `tests/unit/*/test_*.py` that belong to each."""

SCREEN = os.dup(1)

LIBRARIES = "numpy polars torch faiss scipy.stats scipy.sparse.csgraph hypothesis dataframely ftfy PIL.Image"
"""What is imported once and for all; no module of ours, for these differ from mutant to mutant."""


def file_of(module: str) -> Path:
    """The file of a module of the core."""
    return ROOT / f"nearkin/{module.replace('.', '/')}.py"


class Suite:
    """A plugin of pytest that runs the tests of one module again and again, each time with another mutation.

    Tests are collected once. Every run is a fork of that process, in which the code of the mutated function
    is exchanged. The tests that noticed most come first, and quick ones before slow ones.
    """

    def __init__(self, mutations: list[Mutation], *, jobs: int):
        self.mutations, self.jobs = mutations, jobs
        self.noticed, self.seconds, self.left = Counter(), {}, []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        if not session.items or session.testsfailed:
            _refuse(f"not collected: {session.config.args}")
        failed, self.seconds = _answer_of(self._start(session.items, None, stop=False), limit=900)
        if failed:
            _refuse(f"{failed} fails without any mutation")
        limit = 10 + 5 * sum(self.seconds.values())
        waiting, running = list(self.mutations), []
        while waiting or running:
            while waiting and len(running) < self.jobs:
                mutation = waiting.pop(0)
                running.append((mutation, self._start(self._ordered(session.items), mutation, stop=True)))
            mutation, run = running.pop(0)
            failed, _ = _answer_of(run, limit=limit)
            if failed:
                self.noticed[failed] += 1
            else:
                self.left.append(mutation)
                _say(f"  not noticed: {mutation.module}: {mutation.function}: {mutation.text}")
        return True

    def _ordered(self, items):
        return sorted(items, key=lambda item: (-self.noticed[item.nodeid], self.seconds[item.nodeid]))

    def _start(self, items, mutation, *, stop):
        """Starts tests in a fork: its id, where its answer comes, and when it began."""
        answer, report = os.pipe()
        if child := os.fork():
            os.close(report)
            return child, answer, time.monotonic()
        os.setsid()  # so that what it starts ends with it
        try:
            run = _Run()
            items[0].config.pluginmanager.register(run)
            if mutation:
                try:
                    exchange(mutation)
                except Exception:
                    run.failed, items = "its import", []
            for item, following in zip(items, [*items[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if run.failed and stop:
                    break
            os.write(report, json.dumps([run.failed, run.seconds]).encode())
        finally:
            os._exit(0)


class _Run:
    """Which test failed first, and what all took."""

    def __init__(self):
        self.failed, self.seconds = None, Counter()

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration
        if report.failed and not self.failed:
            self.failed = report.nodeid


def exchange(mutation: Mutation) -> None:
    """Puts the mutated code of a function into it, so that everyone who has imported it runs that.

    What is no function's code is put into the module, and into all modules of ours that imported it.
    """
    module = importlib.import_module(f"nearkin.{mutation.module}")
    file = Path(module.__file__)
    code = compile(mutated(file.read_text(), mutation), str(file), "exec")
    before, after = dict(vars(module)), dict(vars(module))
    exec(code, after)  # noqa: S102
    name = mutation.function.split(".")
    if mutation.function and callable(before[name[0]]):
        old, new = before[name[0]], after[name[0]]
        if isinstance(old, type):
            old, new = getattr(old, name[1]), getattr(new, name[1])
        old = inspect.unwrap(old)
        new = inspect.unwrap(new)
        old.__code__, old.__defaults__, old.__kwdefaults__ = (
            new.__code__,
            new.__defaults__,
            new.__kwdefaults__,
        )
        return
    for other in [one for key, one in sys.modules.items() if key.startswith(("nearkin", "tests"))]:
        for key, value in list(vars(other).items()):
            if key in before and value is before[key] and not callable(value):
                setattr(other, key, after[key])


def _answer_of(run, *, limit):
    """(the test that failed, seconds by test) of a fork; one that takes too long or crashes has failed."""
    child, answer, began = run
    report = b""
    with open(answer, "rb") as stream:
        while select.select([stream], [], [], max(0, began + limit - time.monotonic()))[0]:
            part = os.read(stream.fileno(), 2**16)
            report += part
            if not part:
                break
        else:
            os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return json.loads(report) if report else ("out of time, or crashed", {})


def _refuse(text: str) -> None:
    _say(text)
    raise pytest.UsageError(text)


def _say(text: str) -> None:
    """Prints even where pytest, or a test, has taken the screen."""
    os.write(SCREEN, f"{text}\n".encode())


def survivors_of(chosen: list[Mutation], suites: dict[str, list[str]], *, jobs: int) -> list[Mutation]:
    """The mutations that no test notices. Each module has a process of its own."""
    left, start, n_done = [], time.monotonic(), 0
    by_module = defaultdict(list)
    for mutation in chosen:
        by_module[mutation.module].append(mutation)
    for module, mutations in by_module.items():
        tests = [
            str(path) for name in suites[module] for path in Path("tests/unit").glob(f"*/test_{name}.py")
        ]
        answer, report = os.pipe()
        if not (child := os.fork()):
            quiet = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(quiet, stream)
            suite = Suite(mutations, jobs=jobs)
            with_doctests = ["--doctest-modules", *tests, f"nearkin/{module.replace('.', '/')}.py"]
            status = pytest.main(["-q", "-p", "no:cacheprovider", *with_doctests], plugins=[suite])
            with open(report, "w") as stream:
                json.dump([int(status), [mutations.index(one) for one in suite.left]], stream)
            os._exit(0)
        os.close(report)
        with open(answer) as stream:
            found = stream.read()
        os.waitpid(child, 0)
        status, numbers = json.loads(found) if found else (1, [])
        if status:
            sys.exit(f"the tests of {module} could not run")
        left += [mutations[number] for number in numbers]
        n_done += len(mutations)
        minutes = (time.monotonic() - start) / 60
        _say(
            f"{module}: {len(mutations)} mutations, {len(numbers)} not noticed; "
            f"{n_done} of {len(chosen)} in {minutes:.1f} minutes"
        )
    return left


def copy_project(folder: Path) -> None:
    """A copy of the files that git knows or does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


def listed_survivors() -> dict:
    """The reason for each listed mutation: {(module, function, text): why}."""
    rows = yaml.safe_load(LIST.read_text()) or []
    return {(row["module"], row["function"], row["mutation"]): row["why"] for row in rows}


def check_survivors(chosen: list[Mutation], left: list[Mutation], *, is_whole: bool) -> list[str]:
    """Prints the table, and returns what is wrong."""
    reasons = listed_survivors()
    area_of = {module: area for area, modules in CORE.items() for module in modules}
    counts = defaultdict(Counter)
    for kind, mutations in (("all", chosen), ("left", left)):
        for one in mutations:
            counts[area_of[one.module]][kind] += 1
    names = [(one.module, one.function, one.text) for one in left]
    wrong = [f"not noticed and not listed: {': '.join(name)}" for name in names if name not in reasons]
    print(f"\n{'area':20}{'mutations':>10}{'killed':>8}{'share':>9}")
    counts["together"] = sum(counts.values(), Counter())
    for area, count in counts.items():
        share = 1 - count["left"] / count["all"]
        print(f"{area:20}{count['all']:10}{count['all'] - count['left']:8}{share:9.1%}")
    if share < LEAST_KILLED and set(CORE) < set(counts):  # the last row, of all areas together
        wrong.append(f"{share:.1%} killed, not {LEAST_KILLED:.0%}")
    if is_whole:
        modules = {one.module for one in chosen}
        stale = [name for name in reasons if name[0] in modules and name not in names]
        wrong += [f"listed, and killed or gone: {': '.join(name)}; take it off the list" for name in stale]
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--module", action="append", help="such as search.candidates; may be given again")
    parser.add_argument("--sample", type=int, help="so many mutations only, drawn with --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    parser.add_argument("--list", action="store_true", help="print the mutations, and run nothing")
    options = parser.parse_args()
    suites = {module: tests for modules in CORE.values() for module, tests in modules.items()}
    modules = options.module or list(suites)
    if unknown := set(modules) - set(suites):
        parser.error(f"--module: unknown {', '.join(sorted(unknown))}; known are {', '.join(suites)}")
    chosen = [
        mutation for module in modules for mutation in mutations_of(file_of(module).read_text(), module)
    ]
    if options.sample and options.sample < len(chosen):
        picked = set(random.Random(options.seed).sample(range(len(chosen)), options.sample))  # noqa: S311
        chosen = [mutation for number, mutation in enumerate(chosen) if number in picked]
    if options.list:
        for one in chosen:
            print(f"{one.module}: {one.function}: {one.text}")
        return
    os.environ |= {name: "1" for name in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS")}
    for name in LIBRARIES.split():
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        copy_project(folder)
        os.chdir(folder)
        sys.path[:] = [str(folder), *(path for path in sys.path if Path(path) not in (ROOT, ROOT / "tests"))]
        sys.modules.pop("tests")  # tests come from the copy
        left = survivors_of(chosen, suites, jobs=options.jobs)
        os.chdir(ROOT)
    wrong = check_survivors(chosen, left, is_whole=len(chosen) and not options.sample)
    if wrong:
        sys.exit("\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
