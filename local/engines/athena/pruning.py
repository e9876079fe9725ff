"""Which partitions and files a query can't need, from the conditions on a table's text columns.

Athena skips partitions by their values and row groups by their statistics, and bills what is left;
leaving them out here changes no answer, since the WHERE clause still applies.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

_MIRRORED = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.EQ: exp.EQ}


@dataclass(frozen=True)
class Bound:
    """A condition that every row of the answer meets: `column` against a text."""

    column: str
    operator: type[exp.Expression]
    text: str

    def excludes(self, low: str, high: str) -> bool:
        """Whether no text from `low` to `high` meets it."""
        match self.operator:
            case exp.GT:
                return high <= self.text
            case exp.GTE:
                return high < self.text
            case exp.LT:
                return low >= self.text
            case exp.LTE:
                return low > self.text
        return not low <= self.text <= high


def bounds(table: exp.Table) -> list[Bound]:
    """What the SELECT that reads this table and no other demands of its text columns."""
    select = table.parent.parent if isinstance(table.parent, exp.From) else None
    if not isinstance(select, exp.Select) or select.args.get("joins"):
        return []
    where = select.args.get("where")
    return list(_bounds(where.this, table.alias_or_name.lower())) if where else []


def excluded(found: Iterable[Bound], ranges: Mapping[str, tuple[str, str]]) -> bool:
    """Whether columns with these least and greatest texts can hold no row of the answer."""
    return any(bound.column in ranges and bound.excludes(*ranges[bound.column]) for bound in found)


def _bounds(node: exp.Expression, alias: str) -> Iterator[Bound]:
    match node:
        case exp.Paren():
            yield from _bounds(node.this, alias)
        case exp.And():
            yield from _bounds(node.left, alias)
            yield from _bounds(node.right, alias)
        case exp.Between() if _is_column(node.this, alias):
            for operator, text in ((exp.GTE, node.args["low"]), (exp.LTE, node.args["high"])):
                if _is_text(text):
                    yield Bound(node.this.name.lower(), operator, text.name)
        case exp.GT() | exp.GTE() | exp.LT() | exp.LTE() | exp.EQ():
            if _is_column(node.left, alias) and _is_text(node.right):
                yield Bound(node.left.name.lower(), type(node), node.right.name)
            elif _is_text(node.left) and _is_column(node.right, alias):
                yield Bound(node.right.name.lower(), _MIRRORED[type(node)], node.left.name)


def _is_column(node: exp.Expression, alias: str) -> bool:
    return isinstance(node, exp.Column) and node.table.lower() in ("", alias)


def _is_text(node: exp.Expression) -> bool:
    return isinstance(node, exp.Literal) and node.is_string
