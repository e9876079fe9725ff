"""Random inserts, updates and deletes through plain SQL, on any schema, after its catalog."""

import random
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pg8000.exceptions
import pg8000.native

_TABLES: Final = """
SELECT c.oid::int, c.relname FROM pg_class c
WHERE c.relnamespace = :schema::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relname <> 'lakehouse_tombstones' -- its writers are triggers
ORDER BY c.relname
"""
_COLUMNS: Final = r"""
SELECT a.attname,
    format_type(coalesce(nullif(t.typbasetype, 0), t.oid),
                CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END),
    t.typtype::text,
    ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid
          UNION ALL
          SELECT (regexp_matches(pg_get_constraintdef(k.oid), $$'([^']*)'::text$$, 'g'))[1]
          FROM pg_constraint k
          WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]),
    a.attgenerated <> '' OR a.attidentity = 'a'
        OR coalesce(pg_get_expr(d.adbin, d.adrelid) ~* 'nextval', false),
    coalesce(pg_get_expr(d.adbin, d.adrelid) ~* 'now\(\)|current_timestamp|pg_current_xact_id',
             false),
    coalesce((SELECT true FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary
              AND a.attnum = ANY (i.indkey)), false)
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = :oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_REFERENCES: Final = """
SELECT c.confrelid::regclass::text,
    ARRAY(SELECT attname::text FROM unnest(c.conkey) WITH ORDINALITY k (n, place)
          JOIN pg_attribute ON attrelid = c.conrelid AND attnum = k.n ORDER BY place),
    ARRAY(SELECT quote_ident(attname) FROM unnest(c.confkey) WITH ORDINALITY k (n, place)
          JOIN pg_attribute ON attrelid = c.confrelid AND attnum = k.n ORDER BY place)
FROM pg_constraint c WHERE c.conrelid = :oid AND c.contype = 'f'
"""
_TRIES: Final = 4
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzäßéΩ' \"\\"


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    kind: str
    labels: list[str]
    is_given: bool
    """Whether the database alone fills it."""
    is_stamp: bool
    in_key: bool


@dataclass(frozen=True)
class _Table:
    relation: str
    columns: list[_Column]
    references: list[tuple[str, list[str], list[str]]]


class Writer:
    """Changes rows of one schema's tables; what a constraint refuses is undone and not counted.

    It leaves alone what stamps itself (`DEFAULT now()`): the times of changes are kept by the
    source's triggers, or they are not kept.
    """

    def __init__(self, connection: pg8000.native.Connection, schema: str, seed: int) -> None:
        self._connection = connection
        self._dice = random.Random(seed)
        self._tables = [
            _Table(
                f'"{schema}".' + pg8000.native.identifier(name),
                [_Column(*row) for row in connection.run(_COLUMNS, oid=oid)],
                connection.run(_REFERENCES, oid=oid),
            )
            for oid, name in connection.run(_TABLES, schema=f'"{schema}"')
        ]

    def fill(self, rows: int) -> None:
        """Inserts up to `rows` rows in each table, the referenced ones first or as they can."""
        for _ in range(rows):
            for table in self._tables:
                self._try(self._insert, table)

    def round(self, changes: int) -> Counter[str]:
        """About `changes` committed changes; how many of each verb have really happened."""
        done: Counter[str] = Counter()
        verbs = {"insert": self._insert, "update": self._update, "delete": self._delete}
        for _ in range(changes):
            verb = self._dice.choices(list(verbs), (4, 5, 2))[0]
            done[verb] += self._try(verbs[verb], self._dice.choice(self._tables))
        return done

    def _try(self, change: Any, table: _Table) -> bool:
        for _ in range(_TRIES):
            try:
                change(table)
            except pg8000.exceptions.DatabaseError:
                continue
            return bool(self._connection.row_count)
        return False

    def _insert(self, table: _Table) -> None:
        values = {
            column.name: self._value(column)
            for column in table.columns
            if not (column.is_given or column.is_stamp)
        }
        pattern = self._some(table.relation, [f'"{one}"' for one in values])
        if pattern and self._dice.random() < 0.7:
            # most of a living row passes the checks that a random value would not
            keys = {column.name for column in table.columns if column.in_key}
            old = dict(zip(values, pattern, strict=True))
            values = {name: values[name] if name in keys else old[name] for name in values}
        for relation, names, targets in table.references:
            parent = self._some(relation, targets)
            values |= dict(zip(names, parent or [None] * len(names), strict=True))
        kinds = {column.name: column.type for column in table.columns}
        columns = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join(f"CAST(:p{n} AS {kinds[name]})" for n, name in enumerate(values))
        bound = {f"p{n}": value for n, value in enumerate(values.values())}
        self._connection.run(
            f"INSERT INTO {table.relation} ({columns}) VALUES ({marks})"
            if values
            else f"INSERT INTO {table.relation} DEFAULT VALUES",
            **bound,
        )

    def _update(self, table: _Table) -> None:
        referring = {name for _, names, _ in table.references for name in names}
        free = [
            column
            for column in table.columns
            if not (column.is_given or column.is_stamp or column.in_key or column.name in referring)
        ]
        some = self._dice.sample(free, min(len(free), self._dice.randint(1, 3)))
        changes = ", ".join(f'"{c.name}" = CAST(:p{n} AS {c.type})' for n, c in enumerate(some))
        bound = {f"p{n}": self._value(column) for n, column in enumerate(some)}
        self._connection.run(
            f"UPDATE {table.relation} SET {changes or _nothing(table)} WHERE {self._one(table)}",
            **bound,
        )

    def _delete(self, table: _Table) -> None:
        self._connection.run(f"DELETE FROM {table.relation} WHERE {self._one(table)}")

    def _one(self, table: _Table) -> str:
        return (
            f"(tableoid, ctid) = (SELECT tableoid, ctid FROM {table.relation} "
            f"ORDER BY md5(ctid::text || '{self._dice.random()}') LIMIT 1)"
        )

    def _some(self, relation: str, columns: list[str]) -> list[str | None] | None:
        """The texts of some row; None where there is none."""
        texts = ", ".join(f"{column}::text" for column in columns) or "NULL"
        found = self._connection.run(
            f"SELECT {texts} FROM {relation} "
            f"ORDER BY md5(ctid::text || '{self._dice.random()}') LIMIT 1"
        )
        return list(found[0]) if found and columns else None

    def _value(self, column: _Column) -> str | None:
        if not column.in_key and self._dice.random() < 0.1:
            return None
        if column.labels:
            return self._dice.choice(column.labels)
        kind, _, modifier = column.type.partition("(")
        if column.type.endswith("[]"):
            return "{" + ",".join(f"{self._dice.randint(1, 9)}" for _ in range(3)) + "}"
        if kind.startswith("character") or kind in ("text", "citext", "bpchar"):
            length = int(modifier.split(")")[0]) if modifier else 40
            return self._text(min(length, 40))
        moment = datetime.now(UTC) - timedelta(seconds=self._dice.randint(0, 10**8))
        match kind:
            case "smallint" | "integer" | "bigint" | "oid":
                return str(self._dice.randint(1, 32_000))
            case "numeric":
                precision, _, scale = (modifier or "9,2)").rstrip(")").partition(",")
                whole = self._dice.randint(0, 10 ** (int(precision) - int(scale or 0)) - 1)
                return (
                    f"{whole}.{self._dice.randint(0, 9)}" if scale not in ("", "0") else f"{whole}"
                )
            case "real" | "double precision":
                return str(self._dice.random() * 1000)
            case "boolean":
                return self._dice.choice(["true", "false"])
            case "json" | "jsonb":
                return f'{{"value": "{self._dice.randint(0, 999)}", "precision": 20}}'
            case "uuid":
                return str(uuid.UUID(int=self._dice.getrandbits(128)))
            case "bytea":
                return f"\\x{self._dice.getrandbits(32):08x}"
            case "date":
                return moment.date().isoformat()
        return moment.isoformat() if kind.startswith("timestamp") else None

    def _text(self, length: int) -> str:
        return "".join(self._dice.choices(_LETTERS, k=self._dice.randint(min(3, length), length)))


def _nothing(table: _Table) -> str:
    name = f'"{table.columns[0].name}"'
    return f"{name} = {name}"
