"""`make contracts`, `make prepare-source` and `make doctor`: an existing PostgreSQL, by its DSN."""

from pathlib import Path

from lakehouse.errors import LocalError
from local import layout
from onboarding.connection import Dsn, connect, parse
from onboarding.proposal import propose, write
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


def _source(dsn: str) -> Dsn:
    if not dsn:
        raise LocalError(_WHICH)
    return parse(dsn)


def _shown(directory: Path) -> Path:
    absolute = directory.resolve()
    return absolute.relative_to(layout.ROOT) if absolute.is_relative_to(layout.ROOT) else directory
