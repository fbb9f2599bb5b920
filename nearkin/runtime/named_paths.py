"""What a rule's `input` and `output` are to a script."""

from typing import Any, Protocol


class NamedPaths(Protocol):
    """Paths by their names in a rule: each a str, or a list of them."""

    def __getattr__(self, name: str) -> Any: ...  # noqa: ANN401 - a str or a list, as the rule says
