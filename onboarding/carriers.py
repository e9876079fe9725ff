"""How a column of the source is declared in a contract, and why; pure."""

from dataclasses import dataclass

from lakehouse.errors import ConfigurationError
from lakehouse.types import EXACT, canonical, column_type, decimal_of, family
from onboarding.facts import Column


@dataclass(frozen=True)
class Carrier:
    """The contract's text of a type; `note` says what a reader could not guess."""

    declared: str
    note: str = ""


_SHORT = {
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "character varying": "varchar",
}


def carrier(column: Column) -> Carrier:
    """The narrowest exact way to carry the column; any type can be carried as its text."""
    text, kind = f"{column.type} as text", column.kind
    if kind == "d":
        base = canonical(column.base)
        exact = base in EXACT or decimal_of(base) is not None
        declared = f"{column.type} as {base}" if exact else text
        return Carrier(_known(declared, text), f"a domain over {column.base}")
    if kind == "e":
        return Carrier(text, f"an enum of {len(column.labels)} values")
    if kind == "c":
        return Carrier(text, "a composite type, as PostgreSQL prints it")
    declared = _known(_short(column.type), text)
    if declared == "numeric":
        return Carrier(
            declared,
            "no precision declared, so exact as text; 'numeric as numeric(38,9)' makes it a number",
        )
    return Carrier(declared, "as PostgreSQL prints it" if declared == text else "")


def _known(declared: str, otherwise: str) -> str:
    try:
        column_type(declared)
    except ConfigurationError:
        return otherwise
    return declared


def _short(text: str) -> str:
    kind, modifier = family(text)
    # an array's or a time's modifier stands in the middle; those stay as they are
    return f"{_SHORT[kind]}{modifier}" if kind in _SHORT else text
