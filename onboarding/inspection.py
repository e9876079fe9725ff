"""Reads a source's catalog: a handful of statements, however many tables there are."""

import fnmatch
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lakehouse.errors import ConfigurationError
from onboarding.connection import Session
from onboarding.facts import Check, Column, ForeignKey, Index, Table, Trigger


@cache
def statement(name: str) -> str:
    """Text of `onboarding/sql/<name>.sql`."""
    return (Path(__file__).parent / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def inspect(session: Session) -> tuple[Table, ...]:
    """Every relation of the database that could be wanted, in the order of their names."""
    relations = session.rows(statement("relations"))
    oids = [row[0] for row in relations]
    columns, indexes, checks, references, triggers = (
        _by_oid(session.rows(statement(name), oids=oids))
        for name in ("columns", "indexes", "checks", "references", "triggers")
    )
    return tuple(
        Table(
            schema=schema,
            name=name,
            sort=sort,
            rows=-1 if rows is None else int(rows),
            bytes=int(size or 0),
            hides_rows=hides,
            is_readable=readable,
            has_tombstones=tombs,
            comment=comment or "",
            columns=tuple(_column(values) for values in columns[oid]),
            primary_key=next((tuple(v[3]) for v in indexes[oid] if v[2]), ()),
            indexes=tuple(Index(v[0], tuple(v[3]), v[1]) for v in indexes[oid]),
            checks=tuple(Check(v[0], v[1], tuple(v[2]), v[3]) for v in checks[oid]),
            references=tuple(
                ForeignKey(v[0], tuple(v[1]), v[2], v[3], tuple(v[4])) for v in references[oid]
            ),
            triggers=tuple(
                Trigger(v[0], v[1], v[2], v[3], tuple(one for one in v[4] if one))
                for v in triggers[oid]
            ),
        )
        for oid, schema, name, sort, rows, size, hides, readable, tombs, comment in relations
    )


def choose(tables: Sequence[Table], wanted: str) -> tuple[Table, ...]:
    """The tables that `wanted` names: `orders, sales.*, "Odd Name"`; all base tables where empty.

    A name without a schema is looked for in every schema. Raises ConfigurationError for a name that
    nothing has.
    """
    names = [name.strip().replace('"', "") for name in wanted.split(",") if name.strip()]
    if not names:
        return tuple(table for table in tables if not table.is_view)
    chosen: dict[str, Table] = {}
    for name in names:
        found = [t for t in tables if fnmatch.fnmatchcase(t.full_name, name) or t.name == name
                 or ("." not in name and fnmatch.fnmatchcase(t.name, name))]  # fmt: skip
        if not found:
            raise ConfigurationError(
                f"TABLES names {name!r}, which the source does not have; it has "
                f"{', '.join(table.full_name for table in tables[:12]) or 'no table'}"
                f"{', ...' if len(tables) > 12 else ''}"
            )
        chosen |= {table.full_name: table for table in found}
    return tuple(table for table in tables if table.full_name in chosen)


def _column(values: Sequence[Any]) -> Column:
    name, kind, required, sort, base, labels, default, generated, readable, comment = values
    return Column(
        name, kind, required, sort, base, tuple(labels), default, generated, readable, comment
    )


def _by_oid(rows: Iterable[Sequence[Any]]) -> dict[int, list[Sequence[Any]]]:
    found: dict[int, list[Sequence[Any]]] = defaultdict(list)
    for oid, *values in rows:
        found[oid].append(values)
    return found
