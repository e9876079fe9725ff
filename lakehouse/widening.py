"""Column types that have drifted: which ones still carry what the contract says, and how.

A type that was widened keeps the carrier of the contract, so that bronze and silver keep their
type: each value is tested, and a row with one that does not fit is set aside with its raw text.
"""

from lakehouse.errors import ConfigurationError
from lakehouse.types import NARROWER, TEXT_CARRIER, column_type, decimal_of, family


def widened(declared: str, actual: str) -> str | None:
    """How a contract would write a column of type `actual` to carry what `declared` carries.

    `actual` is as `format_type` prints it. None if it is no widening, or one that changes the text
    of a value.
    """
    was = column_type(declared)
    (old, old_size), (new, new_size) = family(was.source), family(actual)
    has_room = _has_room(old_size, new_size)
    if old == "character varying" and (new == TEXT_CARRIER or (old == new and has_room)):
        return actual
    if old == new and old.startswith("timestamp ") and has_room:
        return actual
    before, after = decimal_of(was.source), decimal_of(actual)
    is_wider_decimal = before and after and after[1] == before[1] and after[0] > before[0]
    # the text of a real is not that of the same double
    is_same_text = (old, was.carrier) != ("real", TEXT_CARRIER)
    if is_wider_decimal or ((actual, was.source) in NARROWER and is_same_text):
        return f"{actual} as {was.carrier}"
    return None


def carried_as(actual: str) -> str:
    """How a contract would write a new column of type `actual`; as text where it has no carrier."""
    try:
        column_type(actual)
    except ConfigurationError:
        return f"{actual} as {TEXT_CARRIER}"
    return actual


def _has_room(old: str, new: str) -> bool:
    """Whether one length or precision allows more than another; without one there is no limit."""
    return bool(old) and (not new or ("," not in old + new and int(new[1:-1]) > int(old[1:-1])))
