"""Drafts one contract: the TOML file and the DQDL file of a table, each line saying what it saw."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lakehouse.contract import Capture, Deletes, TableContract
from lakehouse.validation import check
from onboarding import personal, rules
from onboarding.carriers import Carrier, carrier
from onboarding.choices import Choice
from onboarding.facts import Column, Sample, Seen, Table
from onboarding.names import lake_names

_COMMENT_AT: Final = 44
"""Where a comment begins behind a short line."""


@dataclass(frozen=True)
class Draft:
    """A table with its choice; `toml` and `dqdl` are empty where it is refused."""

    table: Table
    sample: Sample | None
    choice: Choice
    lake_name: str = ""
    toml: str = ""
    dqdl: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def contract(self) -> TableContract:
        """The contract of `toml`, checked; raises ConfigurationError for a fault of the draft."""
        return check(TableContract, tomllib.loads(self.toml), f"{self.lake_name}.toml")


def lake_columns(table: Table) -> dict[str, str]:
    """Column of the source to its name in the lake, for those that can be read."""
    return lake_names((c.name for c in table.columns if c.is_readable), "column")


def draft(
    table: Table,
    sample: Sample,
    choice: Choice,
    lake_name: str,
    lake_tables: Mapping[str, tuple[str, Mapping[str, str]]],
    *,
    activate: bool = False,
) -> Draft:
    """The draft of a table that is not refused.

    `lake_tables` maps the full name of each table with a contract to its name in the lake and its
    columns' names there; `activate` makes rules of what only the sample shows.
    """
    names = lake_columns(table)
    carriers = {column.name: carrier(column) for column in table.columns if column.is_readable}
    toml = _toml(table, sample, choice, lake_name, names, carriers)
    assert choice.key is not None
    known = rules.Known(
        table, sample, choice.key, names, {name: one.declared for name, one in carriers.items()}
    )
    dqdl = _dqdl(rules.draft(known, lake_tables), activate)
    return Draft(table, sample, choice, lake_name, toml, dqdl)


def _toml(
    table: Table,
    sample: Sample,
    choice: Choice,
    lake_name: str,
    names: Mapping[str, str],
    carriers: Mapping[str, Carrier],
) -> str:
    assert choice.key is not None
    lines = [_line("table", lake_name, "")]
    if table.comment:
        lines.append(_line("description", " ".join(table.comment.split()), ""))
    if table.schema != "public":
        lines.append(_line("schema", table.schema, ""))
    if lake_name != table.name:
        lines.append(_line("source_table", table.name, "its name in the source"))
    lines.append(_line("key", [names[name] for name in choice.key.columns], choice.key.why))
    lines += _capture(table, sample, choice, names)
    lines.append(_line("history", choice.history.value, choice.history_why))
    if choice.transitions:
        why = f"{len(sample.columns[choice.transitions].values) or 'few'} values"
        lines.append(_line("transitions", names[choice.transitions], why))
    held = _personal(table, sample)
    if held:
        lines.append(_line("personal", [names[name] for name in held], "guessed, see below"))
    if unread := [column.name for column in table.columns if not column.is_readable]:
        lines.append(_line("left_out", unread, "this role may not read them"))
    lines += ["", "[columns]"]
    for column in table.columns:
        if column.is_readable:
            why = _about(column, carriers[column.name], sample, held.get(column.name, ""))
            lines.append(_line(names[column.name], carriers[column.name].declared, why))
    if renamed := {lake: source for source, lake in names.items() if lake != source}:
        lines += ["", "[source_names]"]
        lines += [_line(lake, source, "") for lake, source in renamed.items()]
    if told := {names[c.name]: c.comment for c in table.columns if c.comment and c.is_readable}:
        lines += ["", "[descriptions]"]
        lines += [_line(name, " ".join(text.split()), "") for name, text in told.items()]
    return "\n".join(lines) + "\n"


def _capture(table: Table, sample: Sample, choice: Choice, names: Mapping[str, str]) -> list[str]:
    if choice.capture is Capture.SNAPSHOT:
        why = f"{sample.rows(table):,} rows and no cursor that a trigger keeps: read whole each run"
        return [_line("capture", Capture.SNAPSHOT.value, why)]
    assert choice.cursor is not None
    told = {
        Deletes.TOMBSTONE: "triggers record them",
        Deletes.AUDIT: "no trigger records them: keys are compared; make prepare-source adds it",
    }
    return [
        _line("cursor", names[choice.cursor.column], choice.cursor.why),
        *(
            [_line("changed_at", names[choice.cursor.changed_at], "the time of a change")]
            if choice.cursor.changed_at
            else []
        ),
        _line("deletes", choice.deletes.value, told[choice.deletes]),
    ]


def _personal(table: Table, sample: Sample) -> dict[str, str]:
    found = {
        column.name: personal.reason(
            column, sample.columns.get(column.name), sample.sampled, table.name
        )
        for column in table.columns
        if column.is_readable
    }
    return {name: why for name, why in found.items() if why}


def _about(column: Column, carried: Carrier, sample: Sample, why_personal: str) -> str:
    seen = sample.columns.get(column.name, Seen())
    parts = [carried.note]
    if column.is_generated:
        parts.append("generated")
    if sample.sampled and not column.is_required:
        kind = "" if sample.is_whole else "sampled "
        parts.append(f"{seen.nulls:,} of {sample.sampled:,} {kind}rows are NULL")
    if why_personal:
        parts.append(f"personal: {why_personal}")
    return "; ".join(part for part in parts if part)


def _line(name: str, value: str | list[str], why: str) -> str:
    # JSON's strings and lists are TOML's
    line = f"{name} = {json.dumps(value, ensure_ascii=False)}"
    return f"{line:<{_COMMENT_AT}}  # {why}" if why else line


def _dqdl(lines: list[rules.Line], activate: bool) -> str:
    active = [line for line in lines if line.text and (line.is_active or activate)]
    rest = [line for line in lines if line not in active]
    text = ["Rules = ["]
    for number, line in enumerate(active, 1):
        comma = "," if number < len(active) else ""
        text.append(f"    {line.text + comma:<60}  # {line.why}")
    if rest:
        text.append(
            "    # Seen in the rows, not enforced by the source; move up what should be a rule:"
        )
    for line in rest:
        text.append(
            f"    # {line.text + ',':<58}  # {line.why}" if line.text else f"    # {line.why}"
        )
    return "\n".join([*text, "]"]) + "\n"
