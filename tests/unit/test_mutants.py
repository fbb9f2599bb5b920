"""The tool that breaks the core: what it changes, what it leaves alone, and that nothing else changes."""

import ast

import yaml

from tests import mutants, mutations

SOURCE = """
import logging
CHUNK_ROWS = 2**20
FEW = 5

def few(n, table):
    \"\"\"Whether 5 are few.\"\"\"
    logger.info("%d", n + 1)
    if not table:
        raise ValueError(f"no {n + 1} rows")
    n = n - 1
    return [row for row in table.filter(n) if row.good] and n < FEW
"""


def texts(source, module="few"):
    return [(one.function, one.text) for one in mutations.mutations_of(source, module)]


def test_every_small_change_is_listed_and_no_message():
    assert sorted(texts(SOURCE)) == sorted(
        [
            ("", "5 -> 6"),
            ("", "5 -> 4"),
            ("few", "not table -> table"),
            ("few", "without raise ValueError(f'no {n + 1} rows')"),
            ("few", "without n = n - 1"),
            ("few", "n - 1 -> n + 1"),
            ("few", "n - 1 -> n - 2"),
            ("few", "n - 1 -> n - 0"),
            ("few", "table.filter(n) -> table"),
            ("few", "row.good -> not row.good"),
            (
                "few",
                "[row for row in table.filter(n) if row.good] and n < FEW"
                " -> [row for row in table.filter(n) if row.good] or n < FEW",
            ),
            ("few", "n < FEW -> n <= FEW"),
            ("few", "n < FEW -> n >= FEW"),
        ]
    )


def test_a_mutation_changes_what_it_says_and_nothing_else():
    before = ast.unparse(ast.parse(SOURCE)).splitlines()
    for one in mutations.mutations_of(SOURCE, "few"):
        after = ast.unparse(mutations.mutated(SOURCE, one)).splitlines()
        changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
        assert len(changed) == 1, one.text


def test_the_same_change_in_two_places_has_two_names():
    assert texts("def f(a, b):\n    return g(a < b, a < b)\n") == [
        ("f", "a < b -> a <= b"),
        ("f", "a < b -> a >= b"),
        ("f", "a < b -> a <= b [2]"),
        ("f", "a < b -> a >= b [2]"),
    ]


def test_every_listed_survivor_is_a_mutation_of_today_with_a_reason():
    rows = yaml.safe_load(mutants.LIST.read_text())
    names = [(row["module"], row["function"], row["mutation"]) for row in rows]
    assert len(set(names)) == len(names) and all(row["why"].strip() for row in rows)
    known = {
        (one.module, one.function, one.text)
        for modules in mutants.CORE.values()
        for module in modules
        for one in mutations.mutations_of(mutants.file_of(module).read_text(), module)
    }
    assert set(names) <= known


def test_every_module_has_tests_that_exist():
    for modules in mutants.CORE.values():
        for module, tests in modules.items():
            assert mutants.file_of(module).is_file()
            assert all([*(mutants.ROOT / "tests/unit").glob(f"*/test_{name}.py")] for name in tests)
