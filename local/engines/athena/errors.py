"""What goes wrong in a query, in the words Athena uses for it."""

from typing import Any, Final

from sqlglot import exp

from lakehouse.sqltext import literal

MARK: Final = "\x1eathena:"
"""Begins the message of an error that a compiled query raises inside DuckDB."""


class AthenaError(Exception):
    """A query failed. `code` is Athena's error name, `at` the offset in the text where it lies."""

    def __init__(self, code: str, message: str, at: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.at = code, message, at

    def reason(self, sql: str) -> str:
        """The `StateChangeReason`: `CODE: line 1:15: message`."""
        if self.at is None:
            return f"{self.code}: {self.message}"
        line = sql.count("\n", 0, self.at) + 1
        column = self.at - (sql.rfind("\n", 0, self.at) + 1) + 1
        return f"{self.code}: line {line}:{column}: {self.message}"


def position(node: Any) -> int | None:
    """Offset at which `node` begins in the query's text, as far as the parser kept it."""
    if not isinstance(node, exp.Expression):
        return None
    starts = [inner.meta["start"] for inner in node.walk() if "start" in inner.meta]
    return min(starts) if starts else None


def refuse(what: str, node: Any = None) -> AthenaError:
    """The error for what Athena may run and this stand-in does not: refused, never guessed."""
    return AthenaError(
        "NOT_SUPPORTED",
        f"the local Athena does not run {what}; rewrite it or try it on AWS",
        position(node),
    )


def mismatch(message: str, node: Any = None) -> AthenaError:
    """A type error."""
    return AthenaError("TYPE_MISMATCH", message, position(node))


def raising(code: str, message: str) -> str:
    """SQL expression that fails the query with `code: message` when it is reached."""
    return f"error({literal(f'{MARK}{code}: {message}')})"
