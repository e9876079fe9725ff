"""Runs the steps of a preparation: those in one transaction, then each that must be alone."""

from collections.abc import Iterator, Sequence

from lakehouse.errors import SourceError
from onboarding.connection import Session
from onboarding.inspection import statement
from onboarding.preparation import LOCK_SECONDS, RoleFacts, Step


def role_facts(session: Session, name: str) -> RoleFacts:
    """What the server knows of the role."""
    exists, ours, sees, iam, readable = session.rows(statement("role"), role=name)[0]
    return RoleFacts(name, exists, ours, sees, iam, frozenset(readable))


def apply(session: Session, steps: Sequence[Step]) -> Iterator[Step]:
    """Runs the steps and yields each that is done; raises SourceError naming the one that failed.

    What runs in the transaction is undone with it; what ran before an index that failed stays.
    """
    together = [step for step in steps if not step.is_alone]
    if together:
        with session.transaction():
            session.rows(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            session.rows("SET LOCAL client_min_messages = warning")
            for step in together:
                _run(session, step, "nothing was changed")
        yield from together
    for step in steps:
        if step.is_alone:
            _run(session, step, "the steps before it are done; drop the index if it is there")
            yield step


def _run(session: Session, step: Step, state: str) -> None:
    try:
        session.rows(step.sql)
    except SourceError as refused:
        raise SourceError(
            f"{step.why}: {refused}; {state}; run as the tables' owner when no transaction holds "
            "them, or run the printed SQL by hand"
        ) from None
