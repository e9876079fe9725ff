"""`make contracts`, `make prepare-source` and `make doctor`: an existing PostgreSQL, by its DSN."""

from pathlib import Path

from lakehouse import roles
from lakehouse.errors import LocalError
from local import layout
from onboarding.applying import apply, role_facts
from onboarding.connection import Dsn, connect, parse
from onboarding.inspection import inspect
from onboarding.preparation import prepare, script, undo
from onboarding.proposal import look_at, propose, write
from onboarding.telling import ending, told

_WHICH = "say which database: DSN=postgresql://user:password@host:5432/database"


def run_contracts(dsn: str, tables: str, out: str, *, force: bool, activate: bool) -> int:
    """Drafts the contracts of the chosen tables; 1 where none could be drafted."""
    source = _source(dsn)
    directory = Path(out) if out else layout.ROOT / "contracts" / source.database
    with connect(source) as session:
        drafts = propose(session, tables, activate=activate)
    kept = write(drafts, directory, force=force)
    for line in (*told(drafts), *ending(drafts, _shown(directory), kept)):
        print(line)
    return 0 if any(draft.toml for draft in drafts) else 1


def run_prepare(dsn: str, tables: str, role: str, *, small: bool, changes: bool, back: bool) -> int:
    """Prints what the tables lack as SQL, or with `changes` runs it; `back` takes it away again."""
    with connect(_source(dsn)) as session:
        looked = look_at(session, tables, snapshots=not small)
        with session.looking():
            everything = inspect(session)
            facts = None if role == "none" else role_facts(session, role or roles.INGEST)
        steps = undo(looked, everything, facts) if back else prepare(looked, facts)
        for one in looked:
            if one.choice.refusal and not one.choice.missing:
                print(f"-- not prepared: {one.choice.refusal}")
        if not steps:
            print("-- nothing to do")
        elif changes:
            for step in apply(session, steps):
                print(f"done: {step.why}")
        else:
            print(script(steps))
            print("\n-- nothing was run; APPLY=1 runs it")
    return 0


def _source(dsn: str) -> Dsn:
    if not dsn:
        raise LocalError(_WHICH)
    return parse(dsn)


def _shown(directory: Path) -> Path:
    absolute = directory.resolve()
    return absolute.relative_to(layout.ROOT) if absolute.is_relative_to(layout.ROOT) else directory
