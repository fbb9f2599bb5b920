# For type checkers: what Snakemake defines in every script. Its values come from rules, so their types
# are unknown; a script hands them to one function, whose parameters have types.
from collections.abc import Iterator
from typing import Any

class Named:
    def __getattr__(self, name: str) -> Any: ...
    def __getitem__(self, key: int | str | slice) -> Any: ...
    def __iter__(self) -> Iterator[str]: ...
    def get(self, name: str, default: object = None) -> Any: ...
    def items(self) -> list[tuple[str, Any]]: ...

class Snakemake:
    input: Named
    output: Named
    params: Named
    wildcards: Named
    log: Named
    threads: int

snakemake: Snakemake
