"""The triggers of a source, as SQL: what records its deletes, and what stamps its changes.

The example shop and `make prepare-source` both take them from here.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence

from lakehouse.contract import TableContract, load_contracts
from lakehouse.sql.source import statement
from lakehouse.sqltext import identifier, literal


def objects(schema: str) -> str:
    """The table of tombstones of a schema, and the functions that fill it."""
    return _filled("tombstones", schema=identifier(schema))


def triggers(schema: str, table: str, key: Sequence[str], cursor: str | None) -> str:
    """The triggers of a table, by its columns' names in the source.

    `cursor` is a `timestamptz`, which a writer may set too early; None for an `xid8`.
    """
    names = [identifier(name) for name in key]
    parts = {
        "schema": identifier(schema),
        "relation": f"{identifier(schema)}.{identifier(table)}",
        "key_names": ", ".join(literal(name) for name in key),
    }
    found = _filled(
        "tombstone_triggers",
        key=", ".join(names),
        old_key=", ".join(f"OLD.{name}" for name in names),
        new_key=", ".join(f"NEW.{name}" for name in names),
        **parts,
    )
    if cursor is None:
        return found
    return found + _filled("backdated_trigger", cursor=identifier(cursor), **parts)


def of_contracts(contracts: Iterable[TableContract]) -> str:
    """All that the tables of these contracts need, so far as they count on tombstones."""
    found = [one for one in contracts if one.has_tombstones]
    parts = [objects(schema) for schema in sorted({one.schema for one in found})]
    for one in found:
        cursor = None if one.is_strict else one.in_source(one.cursor)
        parts.append(triggers(one.schema, one.source_name, one.source_key, cursor))
    return "\n".join(parts)


def shop() -> str:
    """The shop's tables, and what its contracts need."""
    return f"{statement('star_schema')};\n{of_contracts(load_contracts().values())}"


def touch(schema: str, cursor: str) -> str:
    """The function that stamps a column of this name, in any table of the schema."""
    function = identifier(touch_function(cursor))
    parts = {"schema": identifier(schema), "function": function, "cursor": identifier(cursor)}
    return _filled("touch", **parts)


def touch_trigger(schema: str, table: str, cursor: str) -> str:
    """The trigger that has `cursor` stamped at each change of the table's rows."""
    return _filled(
        "touch_trigger",
        schema=identifier(schema),
        relation=f"{identifier(schema)}.{identifier(table)}",
        function=identifier(touch_function(cursor)),
    )


def touch_function(cursor: str) -> str:
    """Name of the function that `touch` makes: one for each name of a column."""
    plain = f"lakehouse_touch_{cursor}"
    if len(plain.encode()) <= _LONGEST:
        return plain
    return f"lakehouse_touch_{hashlib.sha256(cursor.encode()).hexdigest()[:12]}"


_LONGEST = 63
"""Bytes of a name in PostgreSQL."""


def _filled(name: str, **parts: str) -> str:
    # not a Template: a function's body begins and ends with two dollars
    return re.sub(r"\$\{(\w+)\}", lambda found: parts[found[1]], statement(name))
