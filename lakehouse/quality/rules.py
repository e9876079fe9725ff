"""What a DQDL rule is made of, and which rule types there are.

`RULE_TYPES` says per type how many parameters it takes, whether a condition belongs to it, and
whether it judges rows one by one or the set as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal


class Keyword(StrEnum):
    """A value that stands for a class of values."""

    NULL = "NULL"
    EMPTY = "EMPTY"
    WHITESPACES_ONLY = "WHITESPACES_ONLY"


@dataclass(frozen=True)
class Moment:
    """`now()` or `(now() - 3 days)`: a time relative to the evaluation, `offset` in `unit`."""

    offset: Decimal = Decimal(0)
    unit: str = "days"


@dataclass(frozen=True)
class Duration:
    """`24 hours`: what DataFreshness compares an age with."""

    amount: Decimal
    unit: str


Value = Decimal | str | Keyword | Moment | Duration
Operator = Literal[
    "=", "!=", ">", ">=", "<", "<=",
    "between", "not between", "in", "not in", "matches", "not matches",
]  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """`operator` and its values: one, two for `between`, any number for `in`."""

    operator: Operator
    values: tuple[Value, ...]


class Scope(StrEnum):
    """What a rule's outcome speaks about."""

    ROW = "row"
    """Each row by itself, whatever else is in the set."""
    SET = "set"
    """The set as a whole; some of them name the rows at fault as well."""


Presence = Literal["never", "optional", "always"]


@dataclass(frozen=True)
class RuleType:
    """Shape of a rule type: parameters at least/at most, its condition, its scope.

    `columns` tells how many of the leading parameters are columns of the table itself.
    """

    at_least: int
    at_most: int
    condition: Presence
    scope: Scope = Scope.SET
    columns: int = 0


_MANY = 99

RULE_TYPES: dict[str, RuleType] = {
    "IsComplete": RuleType(1, 1, "never", Scope.ROW, 1),
    "ColumnValues": RuleType(1, 1, "always", Scope.ROW, 1),
    "ColumnLength": RuleType(1, 1, "always", Scope.ROW, 1),
    "CustomSql": RuleType(1, 1, "optional", Scope.ROW),
    "Completeness": RuleType(1, 1, "always", columns=1),
    "IsUnique": RuleType(1, _MANY, "never", columns=_MANY),
    "IsPrimaryKey": RuleType(1, _MANY, "never", columns=_MANY),
    "Uniqueness": RuleType(1, _MANY, "always", columns=_MANY),
    "UniqueValueRatio": RuleType(1, _MANY, "always", columns=_MANY),
    "DistinctValuesCount": RuleType(1, 1, "always", columns=1),
    "Entropy": RuleType(1, 1, "always", columns=1),
    "Mean": RuleType(1, 1, "always", columns=1),
    "Sum": RuleType(1, 1, "always", columns=1),
    "StandardDeviation": RuleType(1, 1, "always", columns=1),
    "ColumnCorrelation": RuleType(2, 2, "always", columns=2),
    "ColumnDataType": RuleType(1, 1, "always", columns=1),
    "DataFreshness": RuleType(1, 1, "always", columns=1),
    "ColumnCount": RuleType(0, 0, "always"),
    "ColumnExists": RuleType(1, 1, "never"),
    "ColumnNamesMatchPattern": RuleType(1, 1, "never"),
    "RowCount": RuleType(0, 0, "always"),
    "RowCountMatch": RuleType(1, 1, "always"),
    "ReferentialIntegrity": RuleType(2, 2, "always"),
    "SchemaMatch": RuleType(1, 1, "always"),
    "DatasetMatch": RuleType(2, 3, "always"),
    "AggregateMatch": RuleType(2, 2, "always"),
    "DetectAnomalies": RuleType(1, 3, "never"),
    "FileFreshness": RuleType(1, 1, "always"),
    "FileMatch": RuleType(1, 2, "never"),
    "FileSize": RuleType(0, 1, "always"),
    "FileUniqueness": RuleType(1, 1, "optional"),
}


@dataclass(frozen=True)
class Reference:
    """`ReferentialIntegrity "a,b" "table.{x,y}"`: the columns, and what they must be found in."""

    columns: tuple[str, ...]
    table: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """One rule as written in the file.

    A composite rule has type `and` or `or` and its `nested` rules; `text` is the source text,
    `line` its first line in the file, counted from 1.
    """

    type: str
    text: str
    line: int
    parameters: tuple[str, ...] = ()
    condition: Condition | None = None
    where: str | None = None
    threshold: Condition | None = None
    nested: tuple["Rule", ...] = ()

    @property
    def is_composite(self) -> bool:
        """Whether the rule only joins others."""
        return bool(self.nested)

    @property
    def scope(self) -> Scope:
        """ROW where each row can be judged alone and none is tolerated to fail, SET otherwise."""
        if self.is_composite:
            rows = all(rule.scope is Scope.ROW for rule in self.nested)
            return Scope.ROW if rows else Scope.SET
        counted = self.type == "CustomSql" and self.condition is not None
        if self.threshold is not None or counted:
            return Scope.SET
        return RULE_TYPES[self.type].scope

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table that the rule names as parameters, nested rules' included."""
        if self.is_composite:
            return tuple(name for rule in self.nested for name in rule.columns)
        return self.parameters[: RULE_TYPES[self.type].columns]

    def leaves(self) -> Iterator["Rule"]:
        """The rule itself, or all simple rules inside a composite one."""
        if not self.is_composite:
            yield self
        for rule in self.nested:
            yield from rule.leaves()

    @property
    def references(self) -> tuple[Reference, ...]:
        """What the rule, or a rule inside it, looks up in other tables."""
        return tuple(
            Reference(_names(leaf.parameters[0]), table, _names(keys))
            for leaf in self.leaves()
            if leaf.type == "ReferentialIntegrity"
            for table, _, keys in [leaf.parameters[1].partition(".")]
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.strip("{}").split(","))
