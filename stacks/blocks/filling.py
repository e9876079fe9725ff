"""Fills a JSON document that is kept as a file with values known only when synthesizing."""

from collections.abc import Mapping
from string import Template


def fill(node: object, values: Mapping[str, object]) -> object:
    """Puts `values` for `${Name}` in JSON; a string that is only a `${Name}` takes its type."""
    match node:
        case dict():
            return {key: fill(value, values) for key, value in node.items()}
        case list():
            return [fill(value, values) for value in node]
        case str() if node.startswith("${") and node.removeprefix("${")[:-1] in values:
            return values[node[2:-1]]
        case str():
            return Template(node).safe_substitute({k: str(v) for k, v in values.items()})
        case _:
            return node
