"""The mutation tool lists every small change of a module, and each mutation changes nothing else."""

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


def list_texts(source, module="few"):
    return [(mutation.function, mutation.text) for mutation in mutations.mutations_of(source, module)]


def test_mutations_cover_every_small_change_but_no_messages():
    assert sorted(list_texts(SOURCE)) == sorted(
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


def test_mutation_changes_exactly_one_line():
    before = ast.unparse(ast.parse(SOURCE)).splitlines()
    for mutation in mutations.mutations_of(SOURCE, "few"):
        after = ast.unparse(mutations.mutated(SOURCE, mutation)).splitlines()
        different_lines = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
        assert len(different_lines) == 1, mutation.text


def test_equal_changes_in_two_places_have_different_names():
    assert list_texts("def f(a, b):\n    return g(a < b, a < b)\n") == [
        ("f", "a < b -> a <= b"),
        ("f", "a < b -> a >= b"),
        ("f", "a < b -> a <= b [2]"),
        ("f", "a < b -> a >= b [2]"),
    ]


def test_survivors_in_the_list_exist_and_have_a_reason():
    rows = yaml.safe_load(mutants.SURVIVORS_PATH.read_text())
    names = [(row["module"], row["function"], row["mutation"]) for row in rows]
    assert len(set(names)) == len(names) and all(row["why"].strip() for row in rows)
    current_names = {
        (mutation.module, mutation.function, mutation.text)
        for modules in mutants.CORE.values()
        for module in modules
        for mutation in mutations.mutations_of(mutants.get_module_path(module).read_text(), module)
    }
    assert set(names) <= current_names


def test_every_core_module_and_its_test_files_exist():
    for modules in mutants.CORE.values():
        for module, tests in modules.items():
            assert mutants.get_module_path(module).is_file()
            assert all([*(mutants.ROOT / "tests/unit").glob(f"*/test_{name}.py")] for name in tests)
