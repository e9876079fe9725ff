"""What a name in an expression may mean, and the compiled pieces that pass between the rules."""

from dataclasses import dataclass, field
from typing import Any

from local.engines.athena.errors import AthenaError, position
from local.engines.athena.types import Type


@dataclass(frozen=True)
class Typed:
    """A compiled expression: DuckDB SQL and the Trino type of its value."""

    sql: str
    type: Type
    text: str | None = None
    """The value, if it is a string literal."""


@dataclass(frozen=True)
class Field:
    """One column of a relation in scope."""

    name: str | None
    sql: str
    type: Type
    path: tuple[str, ...] = ()
    """How the relation is called: (alias,) or (catalog, schema, table)."""
    star: bool = True
    """Whether `*` shows it."""

    def matches(self, parts: tuple[str, ...]) -> bool:
        """Whether `a.b.column` in these lower-case parts may mean this field."""
        *qualifier, name = parts
        if self.name is None or self.name.lower() != name:
            return False
        return not qualifier or tuple(qualifier) == self.path[len(self.path) - len(qualifier) :]


@dataclass(frozen=True)
class Scope:
    """The fields in reach, innermost query first."""

    fields: tuple[Field, ...] = ()
    parent: "Scope | None" = None

    def find(self, parts: tuple[str, ...], at: int | None) -> Field | None:
        """The one field so called, None if there is none; raises AthenaError if it is ambiguous."""
        found = [f for f in self.fields if f.matches(parts)]
        if len(found) > 1:
            raise AthenaError("AMBIGUOUS_NAME", f"Column '{'.'.join(parts)}' is ambiguous", at)
        if found:
            return found[0]
        return self.parent.find(parts, at) if self.parent else None

    def with_lambda(self, names: dict[str, Type]) -> "Scope":
        """The scope inside a lambda."""
        fields = tuple(Field(name, f'"{name}"', type_, star=False) for name, type_ in names.items())
        return Scope(fields, self)


@dataclass(frozen=True)
class Relation:
    """A compiled FROM item or query: its SQL yields columns named by `labels`."""

    sql: str
    names: tuple[str | None, ...]
    types: tuple[Type, ...]
    labels: tuple[str, ...] = field(default=())


def quoted(name: str) -> str:
    """A DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def column_label(index: int) -> str:
    """The name that compiled queries give their columns: positions, so that none can clash."""
    return f"c{index}"


def renamed(relation: Relation, names: list[str], node: Any) -> Relation:
    """A relation with the column names of `AS t(a, b)`, if there are any."""
    if not names:
        return relation
    if len(names) != len(relation.names):
        message = (
            f"Column alias list has {len(names)} entries but relation has "
            f"{len(relation.names)} columns"
        )
        raise AthenaError("MISMATCHED_COLUMN_ALIASES", message, position(node))
    return Relation(relation.sql, tuple(names), relation.types, relation.labels)


def fields_of(relation: Relation, alias: str, path: tuple[str, ...]) -> tuple[Field, ...]:
    """The fields that a relation, called `alias` in DuckDB and `path` by the user, brings."""
    return tuple(
        Field(name, f"{alias}.{label}", type_, path)
        for name, label, type_ in zip(relation.names, relation.labels, relation.types, strict=True)
    )
