"""What would make a source's tables ready for exact capture, as SQL, and the way back; pure.

The steps follow from what the catalog lacks; the way back from what is there and is named as ours.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lakehouse import tombstones
from lakehouse.sourcetable import TOMBSTONES
from lakehouse.sqltext import identifier, literal
from onboarding.choices import OUR_CURSOR, has_tombstone_triggers
from onboarding.facts import PARTITIONED, PREFIX, Table
from onboarding.proposal import Looked

_ROLE_COMMENT: Final = "made by make prepare-source"
LOCK_SECONDS: Final = 3
"""A table that is held longer by others is left for another time: who waits makes others wait."""
_LONGEST: Final = 63
"""Bytes of a name in PostgreSQL."""
_SORTS: Final = ("r", PARTITIONED)


@dataclass(frozen=True)
class Step:
    """Statements with the reason for them. `is_alone`: in no transaction, as it takes long."""

    why: str
    sql: str
    is_alone: bool = False


@dataclass(frozen=True)
class RoleFacts:
    """What the server knows of the role that is to read."""

    name: str
    exists: bool
    is_ours: bool
    """An earlier `make prepare-source` made it."""
    sees_activity: bool
    """It has `pg_read_all_stats`."""
    has_iam: bool
    """It has `rds_iam`, or the server has no such role."""
    may_read: frozenset[str] = frozenset()
    """Full names of the tables that it may read."""


def prepare(looked: Sequence[Looked], role: RoleFacts | None) -> list[Step]:
    """The steps that the tables lack, in their order; none where all is there.

    A table that is chosen for a snapshot needs nothing. `role` is who shall read; None leaves roles
    alone.
    """
    found = [one for one in looked if _can_be(one) and one.choice.missing]
    steps = []
    for schema in sorted({one.table.schema for one in found}):
        if not all(has_tombstone_triggers(o.table) for o in found if o.table.schema == schema):
            steps.append(
                Step(f"{schema}: what records deletes", tombstones.objects(schema).strip())
            )
    kept = {(o.table.schema, _cursor(o)) for o in found if not _is_kept(o)}
    for schema, cursor in sorted(kept):
        what = f"{schema}: what keeps a column {cursor}"
        steps.append(Step(what, tombstones.touch(schema, cursor).strip()))
    for one in found:
        steps += _table(one)
    if role is not None:
        readable = [one.table for one in looked if not _is_hopeless(one)]
        schemas = {one.table.schema for one in found}
        steps += _grants(role, readable, schemas)
    return steps


def undo(
    looked: Iterable[Looked], everything: Sequence[Table], role: RoleFacts | None
) -> list[Step]:
    """The way back for these tables; `everything` of the database tells what others still need."""
    chosen = [one.table for one in looked if one.table.sort in _SORTS]
    steps = []
    for table in chosen:
        lines = [
            f"DROP TRIGGER {identifier(trigger.name)} ON {table.relation};"
            for trigger in table.triggers
            if trigger.name.startswith(PREFIX)
        ]
        lines += [
            f"DROP INDEX {identifier(table.schema)}.{identifier(index.name)};"
            for index in table.indexes
            if index.name == index_name(table.name)
        ]
        if any(column.name == OUR_CURSOR for column in table.columns):
            lines.append(f"ALTER TABLE {table.relation} DROP COLUMN {identifier(OUR_CURSOR)};")
        if lines:
            steps.append(Step(f"{table.full_name}: as it was", "\n".join(lines)))
    names = {table.full_name for table in chosen}
    for schema in sorted({table.schema for table in chosen if table.has_tombstones}):
        others = [t for t in everything if t.schema == schema and t.full_name not in names]
        if not any(t.name.startswith(PREFIX) for other in others for t in other.triggers):
            steps.append(_without_objects(schema, chosen))
    if role is not None and role.exists:
        steps += _revokes(role, chosen)
    return steps


def index_name(table: str) -> str:
    """Name of the index that we make on a table's cursor."""
    plain = f"{PREFIX}{table}_cursor"
    if len(plain.encode()) <= _LONGEST:
        return plain
    return f"{PREFIX}{hashlib.sha256(table.encode()).hexdigest()[:12]}_cursor"


def script(steps: Sequence[Step]) -> str:
    """The steps as a script for psql, those in one transaction first."""
    together = [step for step in steps if not step.is_alone]
    lines = []
    if together:
        lines = ["BEGIN;", f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s';", ""]
        lines += [f"-- {step.why}\n{step.sql}\n" for step in together]
        lines.append("COMMIT;")
    lines += [f"\n-- {step.why}\n{step.sql}" for step in steps if step.is_alone]
    return "\n".join(lines)


def _can_be(one: Looked) -> bool:
    return one.choice.key is not None and one.table.sort in _SORTS


def _is_hopeless(one: Looked) -> bool:
    return bool(one.choice.refusal) and one.choice.key is None


def _cursor(one: Looked) -> str:
    return one.choice.cursor.column if one.choice.cursor else OUR_CURSOR


def _tombstone_triggers(one: Looked) -> str:
    assert one.choice.key is not None
    is_strict = one.choice.cursor is not None and one.choice.cursor.changed_at is not None
    cursor = None if is_strict else _cursor(one)
    schema, name = one.table.schema, one.table.name
    return tombstones.triggers(schema, name, one.choice.key.columns, cursor).strip()


def _is_kept(one: Looked) -> bool:
    return one.choice.cursor is not None and one.choice.cursor.is_maintained


def _table(one: Looked) -> list[Step]:
    table, choice = one.table, one.choice
    assert choice.key is not None
    name = table.full_name
    cursor = _cursor(one)
    steps = []
    if choice.cursor is None and all(column.name != OUR_CURSOR for column in table.columns):
        steps.append(
            Step(
                f"{name}: a time of change (old rows get the time of this statement)",
                f"ALTER TABLE {table.relation} ADD COLUMN {identifier(OUR_CURSOR)} "
                "timestamptz NOT NULL DEFAULT now();",
            )
        )
    if not _is_kept(one):
        steps.append(
            Step(
                f"{name}: a trigger that keeps {cursor}",
                tombstones.touch_trigger(table.schema, table.name, cursor).strip(),
            )
        )
    if not has_tombstone_triggers(table):
        steps.append(
            Step(
                f"{name}: triggers that record deletes",
                _tombstone_triggers(one),
            )
        )
    if choice.cursor is None or not choice.cursor.is_indexed:
        columns = dict.fromkeys((cursor, *choice.key.columns))
        # a partitioned table's index can't be built concurrently
        concurrently = "" if table.sort == PARTITIONED else "CONCURRENTLY "
        steps.append(
            Step(
                f"{name}: an index on {cursor}, so that a run reads what changed",
                f"CREATE INDEX {concurrently}{identifier(index_name(table.name))} ON "
                f"{table.relation} ({', '.join(identifier(column) for column in columns)});",
                is_alone=True,
            )
        )
    return steps


def _grants(role: RoleFacts, tables: Sequence[Table], prepared: set[str]) -> list[Step]:
    name, lines = identifier(role.name), []
    if not role.exists:
        lines += [
            f"CREATE ROLE {name} LOGIN;",
            f"COMMENT ON ROLE {name} IS {literal(_ROLE_COMMENT)};",
            "DO $$ BEGIN",
            f"    EXECUTE format('GRANT CONNECT ON DATABASE %I TO {name}', current_database());",
            "END $$;",
        ]
    if not role.sees_activity:
        lines.append(
            f"DO $$ BEGIN\n    GRANT pg_read_all_stats TO {name};\n"
            f"EXCEPTION WHEN insufficient_privilege THEN\n    GRANT pg_monitor TO {name};\nEND $$;"
        )
    if not role.has_iam:
        lines.append(f"GRANT rds_iam TO {name};")
    missing = [table for table in tables if table.full_name not in role.may_read]
    schemas = sorted({table.schema for table in missing} | prepared)
    lines += [f"GRANT USAGE ON SCHEMA {identifier(schema)} TO {name};" for schema in schemas]
    lines += [f"GRANT SELECT ON {table.relation} TO {name};" for table in missing]
    lines += [
        f"GRANT SELECT ON {identifier(schema)}.{identifier(TOMBSTONES)} TO {name};"
        for schema in sorted(prepared)
    ]
    return [Step(f"role {role.name}: reads, and sees how long others write", "\n".join(lines))] \
        if lines else []  # fmt: skip


def _revokes(role: RoleFacts, tables: Sequence[Table]) -> list[Step]:
    name = identifier(role.name)
    if not role.is_ours:
        return []
    lines = [
        f"REVOKE SELECT ON {table.relation} FROM {name};"
        for table in tables
        if table.full_name in role.may_read
    ]
    schemas = sorted({table.schema for table in tables})
    lines += [f"REVOKE USAGE ON SCHEMA {identifier(schema)} FROM {name};" for schema in schemas]
    lines += [
        "DO $$ BEGIN",
        f"    EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM {name}', current_database());",
        f"    DROP ROLE {name};",
        "EXCEPTION WHEN dependent_objects_still_exist THEN",
        f"    RAISE NOTICE {literal(f'role {role.name} is still used elsewhere')};",
        "END $$;",
    ]
    return [Step(f"role {role.name}: made by us, so it goes", "\n".join(lines))]


def _without_objects(schema: str, tables: Sequence[Table]) -> Step:
    functions = {"lakehouse_record_tombstone", "lakehouse_stamp_change"}
    functions |= {
        trigger.function
        for table in tables
        if table.schema == schema
        for trigger in table.triggers
        if trigger.function.startswith(f"{PREFIX}touch_")
    }
    quoted = identifier(schema)
    lines = [f"DROP FUNCTION IF EXISTS {quoted}.{identifier(one)}();" for one in sorted(functions)]
    lines.append(f"DROP TABLE {quoted}.{identifier(TOMBSTONES)};")
    return Step(f"{schema}: nothing records deletes any more", "\n".join(lines))
