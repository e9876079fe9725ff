"""Drafts quality rules: those that the source itself enforces, and those that a sample suggests.

What the source enforces can't fail today, and tells tomorrow that a constraint was dropped. What
only the sample shows is written as a comment to be uncommented: a rule that holds rows back is a
decision, not a guess.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from lakehouse.types import column_type
from onboarding import personal
from onboarding.choices import Key
from onboarding.facts import Column, Sample, Seen, Table

_MANY_ROWS: Final = 100
"""So few rows may all be gone tomorrow."""
_NUMBER: Final = r"'?(-?\d+(?:\.\d+)?)'?"
_CAST: Final = r"(?:::[a-z ]+(?:\(\d+(?:,\d+)?\))?(?:\[\])?)?"
_OPERATORS: Final = {">=": ">=", ">": ">", "<=": "<=", "<": "<", "=": "=", "<>": "!="}


@dataclass(frozen=True)
class Line:
    """A rule and what it rests on; `is_active` where the source enforces it."""

    text: str
    why: str
    is_active: bool = True


@dataclass(frozen=True)
class Known:
    """What a table's rules are drafted from; `names` maps the source's columns to the lake's."""

    table: Table
    sample: Sample
    key: Key
    names: Mapping[str, str]
    carriers: Mapping[str, str]
    """Column of the source to the contract's type."""

    def seen(self, column: str) -> Seen:
        """The column in the sample."""
        return self.sample.columns.get(column, Seen())


def draft(known: Known, lake_tables: Mapping[str, tuple[str, Mapping[str, str]]]) -> list[Line]:
    """The rules of a table; `lake_tables` has the tables that have a contract, by full name."""
    lines = [line for c in known.table.columns if c.name in known.names for line in _of(known, c)]
    return [*lines, *_key(known), *_references(known, lake_tables), *_rows(known)]


def _of(known: Known, column: Column) -> list[Line]:
    name, seen = known.names[column.name], known.seen(column.name)
    nullness = [_completeness(known, column, name, seen)]
    if column.kind == "e":
        values = _list(column.labels)
        enum = [Line(f'ColumnValues "{name}" in [{values}{_null(column)}]', f"enum {column.type}")]
        return [*_some(nullness), *(enum if values else [])]
    checks = _checks(known, column, name)
    found = [*_some(nullness), *checks, *_length(known, column, name, seen)]
    if not checks:
        found += _suggested(known, column, name, seen)
    return found


def _some(lines: list[Line | None]) -> list[Line]:
    return [line for line in lines if line is not None]


def _completeness(known: Known, column: Column, name: str, seen: Seen) -> Line | None:
    rule = f'IsComplete "{name}"'
    if column.is_required:
        return Line(rule, "NOT NULL")
    if seen.nulls or not known.sample.sampled:
        return None
    return Line(rule, f"0 of {_sampled(known)} rows are NULL", is_active=False)


def _checks(known: Known, column: Column, name: str) -> list[Line]:
    lines: list[Line] = []
    for check in known.table.checks:
        if check.columns != (column.name,):
            continue
        whose = " of its domain" if check.is_domain else ""
        why = f"CHECK constraint{whose} {check.name}"
        subject = "VALUE" if check.is_domain else column.name
        found = [
            _conditioned(known, column, name, kind, condition)
            for kind, condition in translate(check.definition, subject)
        ]
        if found and all(found):
            lines += [Line(rule, why) for rule in found]
        else:
            lines.append(Line("", f"{why} on {name} has no equal in DQDL"))
    return lines


def translate(definition: str, column: str) -> list[tuple[str, str]]:
    """Rule types and conditions of DQDL that together say what the CHECK on one column says.

    None where a part of it has no equal; `VALUE` is what a domain calls its column.

    >>> translate("CHECK (((price >= (0)::numeric) AND (price < (100)::numeric)))", "price")
    [('ColumnValues', '>= 0'), ('ColumnValues', '< 100')]
    """
    quoted = re.escape(f'"{column}"')
    subject = rf"\(*(?:{quoted}|{re.escape(column)})\)*(?:::text)?\)*"
    body = re.sub(r"^CHECK \((.*)\)$", r"\1", definition, flags=re.DOTALL)
    listed = re.fullmatch(rf"\(*{subject} = ANY \(\(?ARRAY\[(.*?)\]\)?(?:::text\[\])?\)\)*", body)
    if listed:
        literals = re.findall(r"'((?:[^']|'')*)'(?:::[a-z ]+)?(?:, |$)", listed[1])
        if len(literals) != len(re.findall(r"'(?:[^']|'')*'", listed[1])) or not literals:
            return []
        values = _list(tuple(value.replace("''", "'") for value in literals))
        return [("ColumnValues", f"in [{values}]")] if values else []
    number = rf"\(*{_NUMBER}\)*{_CAST}\)*"
    found = []
    for part in body.split(" AND "):
        if compared := re.fullmatch(rf"\(*{subject} (>=|>|<=|<|=|<>) {number}", part):
            found.append(("ColumnValues", f"{_OPERATORS[compared[1]]} {compared[2]}"))
        elif length := re.fullmatch(
            rf"\(*(?:char_length|character_length|length)\({subject} (>=|>|<=|<|=) {number}", part
        ):
            found.append(("ColumnLength", f"{_OPERATORS[length[1]]} {length[2]}"))
        elif re.fullmatch(rf"\(*{subject} IS NOT NULL\)*", part):
            found.append(("IsComplete", ""))
        else:
            return []
    return found


def _conditioned(known: Known, column: Column, name: str, kind: str, condition: str) -> str:
    """The rule; empty where the way the column is carried does not suit it."""
    carried = column_type(known.carriers[column.name])
    if kind == "IsComplete":
        return f'IsComplete "{name}"'
    if kind == "ColumnLength":
        is_text = carried.carrier == "text"
        return f'ColumnLength "{name}" {condition}{_where(column, name)}' if is_text else ""
    if condition.startswith("in ["):
        if carried.carrier != "text":
            return ""
        return f'ColumnValues "{name}" {condition[:-1]}{_null(column)}]'
    if not _is_number(known, column):
        return ""
    return f'ColumnValues "{name}" {condition}{_where(column, name)}'


def _is_number(known: Known, column: Column) -> bool:
    carried = column_type(known.carriers[column.name])
    return carried.carrier in ("smallint", "integer", "bigint", "double precision") or (
        carried.decimal is not None
    )


def _length(known: Known, column: Column, name: str, seen: Seen) -> list[Line]:
    declared = re.fullmatch(r"character varying\((\d+)\)", column.base or column.type)
    if declared and column_type(known.carriers[column.name]).carrier == "text":
        return [
            Line(
                f'ColumnLength "{name}" <= {declared[1]}',
                f"{column.base or column.type}; the longest of {_sampled(known)} has "
                f"{seen.longest or 0}",
            )
        ]
    return []


def _suggested(known: Known, column: Column, name: str, seen: Seen) -> list[Line]:
    if personal.is_personal(column, seen, known.sample.sampled, known.table.name):
        return []
    carried = column_type(known.carriers[column.name]).carrier
    if seen.values and carried == "text" and (values := _list(seen.values)):
        null = "" if not seen.nulls and column.is_required else ", NULL"
        why = f"{len(seen.values)} values in {_sampled(known)} rows"
        return [Line(f'ColumnValues "{name}" in [{values}{null}]', why, is_active=False)]
    if not _is_number(known, column) or column.name in known.key.columns or not seen.lowest:
        return []
    if any(column.name in reference.columns for reference in known.table.references):
        return []
    try:
        low, high = Decimal(seen.lowest), Decimal(str(seen.highest))
    except InvalidOperation:
        return []
    if not (low.is_finite() and high.is_finite()) or low < 0:
        return []
    bound = "> 0" if low > 0 else ">= 0"
    why = f"{low:f} to {high:f} in {_sampled(known)} rows"
    return [Line(f'ColumnValues "{name}" {bound}{_where(column, name)}', why, is_active=False)]


def _key(known: Known) -> list[Line]:
    names = [f'"{known.names[name]}"' for name in known.key.columns]
    rule = "IsUnique" if len(names) == 1 else "IsPrimaryKey"
    lines = [Line(f"{rule} {' '.join(names)}", known.key.why)]
    for index in known.table.indexes:
        if not index.is_unique or len(index.columns) != 1 or index.columns[0] is None:
            continue
        column = index.columns[0]
        if (column,) == known.key.columns or column not in known.names:
            continue
        # two NULLs pass the index and fail the rule
        if known.table.column(column).is_required:
            why = f"unique index {index.name}"
            lines.append(Line(f'IsUnique "{known.names[column]}"', why))
    return lines


def _references(
    known: Known, lake_tables: Mapping[str, tuple[str, Mapping[str, str]]]
) -> list[Line]:
    lines = []
    for key in known.table.references:
        target = lake_tables.get(f"{key.schema}.{key.table}")
        mine = [known.names.get(name) for name in key.columns]
        theirs = [target[1].get(name) for name in key.targets] if target else []
        if target is None or None in mine or None in theirs:
            lines.append(
                Line("", f"foreign key {key.name}: {key.schema}.{key.table} has no contract")
            )
            continue
        columns = ",".join(str(name) for name in mine)
        keys = ",".join(str(name) for name in theirs)
        keys = f"{{{keys}}}" if len(theirs) > 1 else keys
        # a row that refers to nothing has no partner, and a constraint lets it
        free = [str(known.names[c]) for c in key.columns if not known.table.column(c).is_required]
        where = f' where "{" and ".join(f"{one} is not null" for one in free)}"' if free else ""
        rule = f'ReferentialIntegrity "{columns}" "{target[0]}.{keys}" = 1.0{where}'
        lines.append(Line(rule, f"foreign key {key.name}"))
    return lines


def _rows(known: Known) -> list[Line]:
    rows = known.sample.rows(known.table)
    why = f"{rows:,} rows" if known.sample.counted is not None else f"about {rows:,} rows"
    return [Line("RowCount > 0", why, is_active=rows >= _MANY_ROWS)] if rows else []


def _sampled(known: Known) -> str:
    return f"{known.sample.sampled:,}{'' if known.sample.is_whole else ' sampled'}"


def _where(column: Column, name: str) -> str:
    # NULL fails a comparison in DQDL, and passes a CHECK
    return "" if column.is_required else f' where "{name} is not null"'


def _null(column: Column) -> str:
    return "" if column.is_required else ", NULL"


def _list(values: tuple[str, ...]) -> str:
    """The values as DQDL writes them; empty where one can't be written."""
    if any('"' in value or "\\" in value or "\n" in value for value in values):
        return ""
    return ", ".join(f'"{value}"' for value in values)
