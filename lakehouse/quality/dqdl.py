"""A parser of DQDL. It refuses what it does not understand, naming file and line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from lakehouse.errors import ConfigurationError
from lakehouse.quality.rules import (
    RULE_TYPES,
    Condition,
    Duration,
    Keyword,
    Moment,
    Operator,
    Rule,
    Value,
)


class DqdlError(ConfigurationError):
    """A ruleset is not valid DQDL; the message begins with `file:line`."""


_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<text>"(?:\\.|[^"\\])*")
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<symbol>>=|<=|!=|[=><()\[\],+-])""",
    re.VERBOSE | re.DOTALL,
)
_COMPARISONS = ("=", "!=", ">", ">=", "<", "<=")
_UNITS = ("minute", "minutes", "hour", "hours", "day", "days", "week", "weeks")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


class _Parser:
    def __init__(self, source: str, origin: str) -> None:
        self._source, self._origin = source, origin
        self._tokens = list(self._tokenize())
        self._position = 0

    def _tokenize(self) -> Iterator[_Token]:
        position = 0
        while position < len(self._source):
            match = _TOKEN.match(self._source, position)
            if match is None:
                unread = self._source[position:].splitlines()[0]
                raise self._error(f"can't read {unread!r}", position)
            kind = str(match.lastgroup)
            if kind != "space":
                yield _Token(kind, match.group(), match.start(), match.end())
            position = match.end()
        yield _Token("end", "the end of the file", len(self._source), len(self._source))

    def _line(self, position: int) -> int:
        return self._source.count("\n", 0, position) + 1

    def _error(self, message: str, position: int) -> DqdlError:
        return DqdlError(f"{self._origin}:{self._line(position)}: {message}")

    def _expected(self, what: str) -> DqdlError:
        token = self._peek()
        return self._error(f"expected {what}, found {token.text}", token.start)

    def _peek(self, ahead: int = 0) -> _Token:
        return self._tokens[min(self._position + ahead, len(self._tokens) - 1)]

    def _next(self) -> _Token:
        token = self._peek()
        self._position += 1
        return token

    def _at(self, *texts: str) -> bool:
        """Whether the next tokens are these symbols or words; words in any case."""
        return all(
            self._peek(i).kind != "text" and self._peek(i).text.lower() == text
            for i, text in enumerate(texts)
        )

    def _take(self, *texts: str) -> bool:
        if found := self._at(*texts):
            self._position += len(texts)
        return found

    def _require(self, text: str, after: str) -> None:
        if not self._take(text):
            raise self._expected(f"'{text}' {after}")

    def _string(self, what: str) -> str:
        if self._peek().kind != "text":
            raise self._expected(f"{what} in double quotes")
        return self._next().text[1:-1]

    def ruleset(self) -> tuple[Rule, ...]:
        if not self._take("rules"):
            raise self._expected("'Rules = ['")
        self._require("=", "after Rules")
        self._require("[", "after Rules =")
        rules = [self._rule()]
        while self._take(","):
            rules.append(self._rule())
        self._require("]", "or ',' after a rule")
        if self._peek().kind != "end":
            raise self._expected("nothing after the rules")
        return tuple(rules)

    def _rule(self) -> Rule:
        start = self._peek().start
        if not self._at("("):
            return self._simple()
        nested = [self._parenthesized()]
        word = self._peek().text.lower()
        while self._take(word) if word in ("and", "or") else False:
            nested.append(self._parenthesized())
        if self._at("and") or self._at("or"):
            raise self._error("mixes 'and' with 'or'; nest them in parentheses", self._peek().start)
        if len(nested) == 1:
            return nested[0]
        text = self._source[start : self._peek(-1).end]
        return Rule(word, text, self._line(start), nested=tuple(nested))

    def _parenthesized(self) -> Rule:
        self._require("(", "before a nested rule")
        rule = self._rule()
        self._require(")", "after a nested rule")
        return rule

    def _simple(self) -> Rule:
        name = self._peek()
        if name.kind != "name":
            raise self._expected("a rule")
        if name.text not in RULE_TYPES:
            raise self._error(f"unknown rule type {name.text}", name.start)
        self._next()
        shape, parameters = RULE_TYPES[name.text], []
        while self._peek().kind == "text":
            parameters.append(self._next().text[1:-1])
        if not shape.at_least <= len(parameters) <= shape.at_most:
            limit = f"at least {shape.at_least}" if shape.at_most > 9 else f"{shape.at_least}"
            raise self._error(
                f"{name.text} takes {limit} parameter(s), found {len(parameters)}", name.start
            )
        condition = self._condition()
        if condition is None and shape.condition == "always":
            raise self._expected(f"a condition for {name.text}")
        if condition is not None and shape.condition == "never":
            raise self._error(f"{name.text} takes no condition", name.start)
        where = threshold = None
        if self._take("where"):
            where = self._string("an expression")
        if self._take("with", "threshold") and (threshold := self._condition()) is None:
            raise self._expected("a condition after 'with threshold'")
        if self._at("where"):
            raise self._error("AWS reads 'where' before 'with threshold' only", self._peek().start)
        text = self._source[name.start : self._peek(-1).end]
        line = self._line(name.start)
        return Rule(name.text, text, line, tuple(parameters), condition, where, threshold)

    def _condition(self) -> Condition | None:
        negation = "not " if self._take("not") else ""
        if self._peek().text in _COMPARISONS and not negation:
            operator = self._next().text
            return Condition(cast(Operator, operator), (self._value(),))
        if self._take("between"):
            low = self._value()
            self._require("and", "between the two limits")
            values: tuple[Value, ...] = (low, self._value())
            return Condition(cast(Operator, f"{negation}between"), values)
        if self._take("in"):
            return Condition(cast(Operator, f"{negation}in"), self._list())
        if self._take("matches"):
            pattern = self._peek()
            expression = self._string("a regular expression")
            try:
                re.compile(expression)
            except re.error as broken:
                raise self._error(
                    f"{expression!r} is no regular expression: {broken}", pattern.start
                ) from None
            return Condition(cast(Operator, f"{negation}matches"), (expression,))
        if negation:
            raise self._expected("'between', 'in' or 'matches' after 'not'")
        return None

    def _list(self) -> tuple[Value, ...]:
        self._require("[", "before the values")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._require("]", "or ',' after a value")
        return tuple(values)

    def _value(self) -> Value:
        token = self._peek()
        if token.kind == "text":
            return self._next().text[1:-1]
        if token.kind == "number":
            amount = Decimal(self._next().text)
            if self._peek().text.lower() in _UNITS:
                return Duration(amount, _plural(self._next().text))
            return amount
        if token.text.upper() in Keyword.__members__:
            return Keyword(self._next().text.upper())
        bracket = self._take("(")
        if not self._take("now", "(", ")"):
            raise self._expected("a value")
        moment = self._offset()
        if bracket:
            self._require(")", "after the time")
        return moment

    def _offset(self) -> Moment:
        sign = -1 if self._take("-") else 1 if self._take("+") else 0
        if self._peek().kind == "number" and self._peek().text.startswith("-"):
            sign = 1
        if sign == 0:
            return Moment()
        value = self._value()
        if not isinstance(value, Duration):
            raise self._expected("a number of minutes, hours, days or weeks")
        return Moment(sign * value.amount, value.unit)


def _plural(unit: str) -> str:
    return unit.lower().removesuffix("s") + "s"


def parse(source: str, origin: str = "ruleset") -> tuple[Rule, ...]:
    """The rules of a DQDL document, in order; raises DqdlError beginning with `origin:line`."""
    return _Parser(source, origin).ruleset()
