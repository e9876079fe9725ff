"""From text to syntax tree: sqlglot's Trino parser, kept from accepting or rewriting too much."""

import logging
from typing import Any, ClassVar, Final

from sqlglot import exp
from sqlglot.dialects import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from local.engines.athena.errors import AthenaError, refuse

LITERAL: Final = "$"
"""Begins the name of the function call that `DECIMAL '1.20'` becomes, to tell it from a CAST."""

_KEPT_PARSERS: Final = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "SUBSTRING")
_VALUES: Final = (exp.Literal, exp.Boolean, exp.Null, exp.Neg, exp.Anonymous)
_UNITS: Final = {"SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "YEAR"}
_FOREIGN: Final = {TokenType.DCOLON, TokenType.NULLSAFE_EQ, TokenType.QUALIFY, TokenType.ILIKE}

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns where we refuse


def _literal(name: str) -> Any:
    return lambda _parser, this, _kind: exp.Anonymous(this=LITERAL + name, expressions=[this])


class _Parser(Trino.Parser):  # type: ignore[misc]
    """Leaves every call as the name and arguments that were written: we know Trino's functions."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: Trino.Parser.FUNCTION_PARSERS[name] for name in _KEPT_PARSERS
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: parser
        for name, parser in Trino.Parser.NO_PAREN_FUNCTION_PARSERS.items()
        if name in ("ANY", "CASE")
    }
    TYPE_LITERAL_PARSERS: ClassVar[dict[Any, Any]] = {
        exp.DataType.Type.DECIMAL: _literal("decimal"),
        exp.DataType.Type.DATE: _literal("date"),
        exp.DataType.Type.TIMESTAMP: _literal("timestamp"),
        exp.DataType.Type.TIMESTAMPTZ: _literal("timestamp"),
    }


class Dialect(Trino):  # type: ignore[misc]
    """Athena's query language, read strictly."""

    INDEX_OFFSET = 0
    Parser = _Parser


def tokenize(sql: str) -> list[Token]:
    """The text's tokens; raises AthenaError for what is not even that."""
    try:
        return list(Dialect().tokenize(sql))
    except TokenError as fault:
        raise AthenaError("SYNTAX_ERROR", str(fault).splitlines()[0]) from None


def parse(sql: str) -> exp.Expression:
    """Parses exactly one statement; raises AthenaError SYNTAX_ERROR with its place."""
    tokens = tokenize(sql)
    if tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens = tokens[:-1]
    _guard(tokens)
    try:
        trees = Dialect().parser().parse(tokens, sql)
    except ParseError as fault:
        first = fault.errors[0] if fault.errors else {}
        near = str(first.get("highlight") or "<EOF>")
        line, end = int(first.get("line") or 1), int(first.get("col") or 1)
        at = max(end - len(near) + 1, 1)
        raise AthenaError("SYNTAX_ERROR", f"line {line}:{at}: mismatched input '{near}'") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Expression):
        raise AthenaError("SYNTAX_ERROR", "Only one sql statement is allowed. Got: " + sql[:200])
    return trees[0]


def _guard(tokens: list[Token]) -> None:
    """Refuses what sqlglot reads for the sake of other dialects and Athena does not."""
    commas = {
        id(comma)
        for limit, _, comma in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if limit.token_type is TokenType.LIMIT and comma.token_type is TokenType.COMMA
    }
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        text = token.text.upper()
        foreign = token.token_type in _FOREIGN or text in ("==", "<=>", "<<", ">>")
        if token.token_type is TokenType.L_BRACKET and (
            before is None or (before.token_type, before.text)[1] in ("(", ",", "=")
        ):
            foreign = True
        if token.token_type is TokenType.INTERVAL and after is not None:
            foreign = not (after.token_type is TokenType.STRING or after.text in ("-", "+"))
        if foreign or id(token) in commas:
            raise AthenaError("SYNTAX_ERROR", f"mismatched input '{token.text}'", token.start)


def substitute(tree: exp.Expression, parameters: list[str]) -> exp.Expression:
    """Puts `ExecutionParameters`, each one SQL literal, in the place of the question marks."""
    marks = sorted(tree.find_all(exp.Placeholder), key=lambda mark: mark.meta.get("start", 0))
    if len(marks) != len(parameters):
        raise AthenaError(
            "INVALID_PARAMETER_USAGE",
            f"Incorrect number of parameters: expected {len(marks)} but found {len(parameters)}",
        )
    for mark, text in zip(marks, parameters, strict=True):
        value = parse(f"SELECT {text}").expressions[0]
        if not isinstance(value, _VALUES):
            raise refuse(f"the execution parameter {text!r}")
        mark.replace(value)
    return tree


def unit(node: Any) -> str:
    """The unit of an interval or EXTRACT, lower case; raises AthenaError for a span."""
    name = str(getattr(node, "name", "")).upper()
    if name not in _UNITS:
        raise refuse(f"the interval unit {name or node!s}", node)
    return name.lower()
