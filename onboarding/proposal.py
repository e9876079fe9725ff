"""Drafts for all chosen tables of a source, and the files that they become."""

import hashlib
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lakehouse.errors import ConfigurationError
from lakehouse.validation import check_contracts
from onboarding.choices import Choice, choose_capture
from onboarding.connection import Session
from onboarding.drafting import Draft, draft, lake_columns
from onboarding.facts import Sample, Table
from onboarding.inspection import choose, inspect
from onboarding.names import lake_names, snake
from onboarding.sampling import look

_MARK: Final = "# Drafted by `make contracts`; yours as soon as it is edited. "
_DIGEST: Final = re.compile(rf"{re.escape(_MARK)}([0-9a-f]{{16}})\n")


@dataclass(frozen=True)
class Looked:
    """A chosen table, what its sample shows, and how it would be captured."""

    table: Table
    sample: Sample | str
    choice: Choice


def look_at(session: Session, wanted: str, *, snapshots: bool = True) -> list[Looked]:
    """Looks at the chosen tables in one read-only transaction."""
    with session.looking():
        tables = inspect(session)
        chosen = choose(tables, wanted)
        if not chosen:
            raise ConfigurationError(
                f"{session.dsn.place} has no table that {session.dsn.user!r} can see; check the "
                "database's name and the role's privileges"
            )
        referenced = Counter(
            f"{key.schema}.{key.table}"
            for table in tables
            for key in {(k.schema, k.table): k for k in table.references}.values()
            if (key.schema, key.table) != (table.schema, table.name)
        )
        found = []
        for table in chosen:
            sample = look(session, table) if table.is_readable else "it can't be read"
            choice = choose_capture(table, sample, referenced[table.full_name], snapshots=snapshots)
            found.append(Looked(table, sample, choice))
    return found


def propose(session: Session, wanted: str, *, activate: bool = False) -> list[Draft]:
    """Drafts of the chosen tables, the refused ones without files; all have passed our own checks.

    Raises ConfigurationError where the source has no such table.
    """
    looked = look_at(session, wanted)
    kept = [one for one in looked if not one.choice.refusal]
    names = table_names([one.table for one in kept])
    lake_tables = {
        one.table.full_name: (names[one.table.full_name], lake_columns(one.table)) for one in kept
    }
    drafts = []
    for one in looked:
        if one.choice.refusal or isinstance(one.sample, str):
            sample = None if isinstance(one.sample, str) else one.sample
            drafts.append(Draft(one.table, sample, one.choice))
            continue
        name = names[one.table.full_name]
        drafts.append(
            draft(one.table, one.sample, one.choice, name, lake_tables, activate=activate)
        )
    _check(drafts)
    return drafts


def table_names(tables: Sequence[Table]) -> dict[str, str]:
    """Full name in the source to the name in the lake; the schema's comes first where two meet."""
    often = Counter(snake(table.name) for table in tables)
    wished = {
        table.full_name: table.name
        if often[snake(table.name)] == 1
        else f"{table.schema}_{table.name}"
        for table in tables
    }
    found = lake_names(dict.fromkeys(wished.values()), "table")
    return {full_name: found[name] for full_name, name in wished.items()}


def write(drafts: Sequence[Draft], directory: Path, *, force: bool = False) -> list[Path]:
    """Writes both files of each draft; returns those that a hand edited, which it left alone."""
    directory.mkdir(parents=True, exist_ok=True)
    kept = []
    for one in drafts:
        if not one.toml:
            continue
        for ending, text in ((".toml", one.toml), (".dqdl", one.dqdl)):
            path = directory / f"{one.lake_name}{ending}"
            if path.exists() and not force and not _is_untouched(path):
                kept.append(path)
            else:
                path.write_text(_marked(text), encoding="utf-8")
    return kept


def _check(drafts: Sequence[Draft]) -> None:
    """The same checks that `cdk synth` runs, over a copy: a draft that fails them is our fault."""
    if not any(one.toml for one in drafts):
        return
    with tempfile.TemporaryDirectory() as folder:
        write(drafts, Path(folder))
        check_contracts(Path(folder))


def _marked(text: str) -> str:
    return f"{_MARK}{_digest(text)}\n{text}"


def _is_untouched(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    found = _DIGEST.match(text)
    return found is not None and found[1] == _digest(text[found.end() :])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
