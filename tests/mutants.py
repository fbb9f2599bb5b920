"""Mutation tests of the core: change one thing at a time, and check that a test fails.

A mutation changes one comparison, operator, number, condition, statement or call of a module in CORE.
The tests of that module then run in a separate process until one fails. A mutation that no test notices
must be in `mutants.yaml`, with the reason why it changes no result. The list names it by module, function
and text, so that edits elsewhere do not affect the list.

The tool works on a temporary copy of the files that git tracks or does not ignore.
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
SURVIVORS_PATH = ROOT / "tests/mutants.yaml"
MIN_KILLED_SHARE = 0.95

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
"""The modules of each area, and for each module its test files, as `*` of `tests/unit/*/test_*.py`."""

TERMINAL = os.dup(1)

LIBRARIES = "numpy polars torch faiss scipy.stats scipy.sparse.csgraph hypothesis dataframely ftfy PIL.Image"
"""Imported once, before any fork. Our own modules are not, because they differ between mutations."""


def get_module_path(module: str) -> Path:
    """The path of a module in the core."""
    return ROOT / f"nearkin/{module.replace('.', '/')}.py"


class Suite:
    """A pytest plugin that runs the tests of one module once per mutation.

    Pytest collects the tests once. Each run is a fork of that process, which replaces the code of the mutated
    function. Tests that noticed more mutations run earlier, and fast tests run before slow ones.
    """

    def __init__(self, mutations: list[Mutation], *, jobs: int):
        self.mutations, self.jobs = mutations, jobs
        self.n_noticed, self.seconds, self.survivors = Counter(), {}, []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        if not session.items or session.testsfailed:
            _stop_with_error(f"not collected: {session.config.args}")
        failure, self.seconds = _read_result(self._start_fork(session.items, None, stop=False), limit=900)
        if failure:
            _stop_with_error(f"{failure} fails without any mutation")
        limit = 10 + 5 * sum(self.seconds.values())
        queue, runs = list(self.mutations), []
        while queue or runs:
            while queue and len(runs) < self.jobs:
                mutation = queue.pop(0)
                runs.append(
                    (mutation, self._start_fork(self._order_items(session.items), mutation, stop=True))
                )
            mutation, run = runs.pop(0)
            failure, _ = _read_result(run, limit=limit)
            if failure:
                self.n_noticed[failure] += 1
            else:
                self.survivors.append(mutation)
                _print_to_terminal(f"  not noticed: {mutation.module}: {mutation.function}: {mutation.text}")
        return True

    def _order_items(self, items):
        return sorted(items, key=lambda item: (-self.n_noticed[item.nodeid], self.seconds[item.nodeid]))

    def _start_fork(self, items, mutation, *, stop):
        """Run tests in a fork; returns its process id, the pipe of its result, and the start time."""
        reader, writer = os.pipe()
        if child := os.fork():
            os.close(writer)
            return child, reader, time.monotonic()
        os.setsid()  # a process group, so that its children end with it
        try:
            recorder = _FailureRecorder()
            items[0].config.pluginmanager.register(recorder)
            if mutation:
                try:
                    apply_mutation(mutation)
                except Exception:
                    recorder.failure, items = "its import", []
            for item, following in zip(items, [*items[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if recorder.failure and stop:
                    break
            os.write(writer, json.dumps([recorder.failure, recorder.seconds]).encode())
        finally:
            os._exit(0)


class _FailureRecorder:
    """A pytest plugin that records the first test to fail, and the seconds of each test."""

    def __init__(self):
        self.failure, self.seconds = None, Counter()

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration
        if report.failed and not self.failure:
            self.failure = report.nodeid


def apply_mutation(mutation: Mutation) -> None:
    """Replace the code of a function by its mutation, also for modules that have imported the function.

    A mutation outside functions replaces the value in its module, and in all our modules that imported it.
    """
    module = importlib.import_module(f"nearkin.{mutation.module}")
    path = Path(module.__file__)
    code = compile(mutated(path.read_text(), mutation), str(path), "exec")
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
    for other in [module for name, module in sys.modules.items() if name.startswith(("nearkin", "tests"))]:
        for key, value in list(vars(other).items()):
            if key in before and value is before[key] and not callable(value):
                setattr(other, key, after[key])


def _read_result(run, *, limit):
    """(first test to fail, seconds by test) of a fork; a crash or a timeout counts as a failure."""
    child, reader, start = run
    result = b""
    with open(reader, "rb") as stream:
        while select.select([stream], [], [], max(0, start + limit - time.monotonic()))[0]:
            part = os.read(stream.fileno(), 2**16)
            result += part
            if not part:
                break
        else:
            os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return json.loads(result) if result else ("out of time, or crashed", {})


def _stop_with_error(text: str) -> None:
    _print_to_terminal(text)
    raise pytest.UsageError(text)


def _print_to_terminal(text: str) -> None:
    """Print even while pytest or a test captures the output."""
    os.write(TERMINAL, f"{text}\n".encode())


def find_survivors(mutations: list[Mutation], suites: dict[str, list[str]], *, jobs: int) -> list[Mutation]:
    """The mutations that no test notices. Each module runs in a separate process."""
    survivors, start, n_done = [], time.monotonic(), 0
    by_module = defaultdict(list)
    for mutation in mutations:
        by_module[mutation.module].append(mutation)
    for module, module_mutations in by_module.items():
        tests = [
            str(path) for name in suites[module] for path in Path("tests/unit").glob(f"*/test_{name}.py")
        ]
        reader, writer = os.pipe()
        if not (child := os.fork()):
            devnull = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(devnull, stream)
            suite = Suite(module_mutations, jobs=jobs)
            paths = ["--doctest-modules", *tests, f"nearkin/{module.replace('.', '/')}.py"]
            status = pytest.main(["-q", "-p", "no:cacheprovider", *paths], plugins=[suite])
            with open(writer, "w") as stream:
                json.dump(
                    [int(status), [module_mutations.index(mutation) for mutation in suite.survivors]], stream
                )
            os._exit(0)
        os.close(writer)
        with open(reader) as stream:
            result = stream.read()
        os.waitpid(child, 0)
        status, numbers = json.loads(result) if result else (1, [])
        if status:
            sys.exit(f"the tests of {module} could not run")
        survivors += [module_mutations[number] for number in numbers]
        n_done += len(module_mutations)
        minutes = (time.monotonic() - start) / 60
        _print_to_terminal(
            f"{module}: {len(module_mutations)} mutations, {len(numbers)} not noticed; "
            f"{n_done} of {len(mutations)} in {minutes:.1f} minutes"
        )
    return survivors


def copy_project(folder: Path) -> None:
    """Copy the files that git tracks or does not ignore."""
    output = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, output.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


def read_survivor_reasons() -> dict:
    """The reason for each mutation in the list: {(module, function, text): reason}."""
    rows = yaml.safe_load(SURVIVORS_PATH.read_text()) or []
    return {(row["module"], row["function"], row["mutation"]): row["why"] for row in rows}


def check_survivors(mutations: list[Mutation], survivors: list[Mutation], *, is_complete: bool) -> list[str]:
    """Print the table, and return the errors; `is_complete` if no mutation of the modules is left out."""
    reasons = read_survivor_reasons()
    area_of = {module: area for area, modules in CORE.items() for module in modules}
    counts = defaultdict(Counter)
    for kind, members in (("all", mutations), ("survivors", survivors)):
        for mutation in members:
            counts[area_of[mutation.module]][kind] += 1
    names = [(mutation.module, mutation.function, mutation.text) for mutation in survivors]
    errors = [f"not noticed and not listed: {': '.join(name)}" for name in names if name not in reasons]
    print(f"\n{'area':20}{'mutations':>10}{'killed':>8}{'share':>9}")
    counts["together"] = sum(counts.values(), Counter())
    for area, count in counts.items():
        share = 1 - count["survivors"] / count["all"]
        print(f"{area:20}{count['all']:10}{count['all'] - count['survivors']:8}{share:9.1%}")
    if share < MIN_KILLED_SHARE and set(CORE) < set(counts):  # the last row, of all areas together
        errors.append(f"{share:.1%} killed, not {MIN_KILLED_SHARE:.0%}")
    if is_complete:
        modules = {mutation.module for mutation in mutations}
        stale = [name for name in reasons if name[0] in modules and name not in names]
        errors += [f"listed, and killed or gone: {': '.join(name)}; take it off the list" for name in stale]
    return errors


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
    mutations = [
        mutation
        for module in modules
        for mutation in mutations_of(get_module_path(module).read_text(), module)
    ]
    if options.sample and options.sample < len(mutations):
        sample = set(random.Random(options.seed).sample(range(len(mutations)), options.sample))  # noqa: S311
        mutations = [mutation for number, mutation in enumerate(mutations) if number in sample]
    if options.list:
        for mutation in mutations:
            print(f"{mutation.module}: {mutation.function}: {mutation.text}")
        return
    os.environ |= {name: "1" for name in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS")}
    for name in LIBRARIES.split():
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_project(folder)
        os.chdir(folder)
        sys.path[:] = [str(folder), *(path for path in sys.path if Path(path) not in (ROOT, ROOT / "tests"))]
        sys.modules.pop("tests")  # tests come from the copy
        survivors = find_survivors(mutations, suites, jobs=options.jobs)
        os.chdir(ROOT)
    errors = check_survivors(mutations, survivors, is_complete=len(mutations) and not options.sample)
    if errors:
        sys.exit("\n" + "\n".join(errors))


if __name__ == "__main__":
    main()
