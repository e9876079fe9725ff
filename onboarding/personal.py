"""Guesses which columns hold personal data, by their names and by what their values look like."""

import re
from collections.abc import Mapping
from typing import Final

from onboarding.facts import Column, Seen
from onboarding.names import snake

PATTERNS: Final[Mapping[str, str]] = {
    # for PostgreSQL's ~*, on a value's text
    "an e-mail address": r"^[^@[:space:]]+@[^@[:space:]]+\.[a-z]{2,}$",
    "a telephone number": r"^[+(]?[0-9][0-9 ()./-]{6,18}[0-9]$",
    "an IBAN": r"^[a-z]{2}[0-9]{2} ?([a-z0-9]{4} ?){2,7}[a-z0-9]{1,4}$",
    "an IP address": r"^([0-9]{1,3}\.){3}[0-9]{1,3}$",
}
_SHARE: Final = 0.8
"""Of the values that are not NULL, so many must look like it."""
_FEWEST: Final = 5
_NAMES: Final = re.compile(
    r"(^|_)(e?mail|phone|mobile|fax|telephone|tel|address|street|postal_?code|postcode|zip|"
    r"first_?name|last_?name|full_?name|middle_?name|maiden_?name|surname|given_?name|family_?name|"
    r"user_?name|login|birth|birthday|birth_?date|date_of_birth|dob|age|gender|sex|ssn|"
    r"social_security|passport|iban|bic|account_number|card_number|credit_card|tax_id|vat_id|"
    r"password|passwd|secret|token|ip|ip_address|latitude|longitude|salary|religion|nationality)"
    r"([12]|_line)?(_[12])?(_|$)"
)
_BARE_NAME: Final = re.compile(r"(^|_)(name|display_name|nick|nickname|contact)$")
_PEOPLE: Final = re.compile(
    r"(user|customer|client|person|people|employee|staff|author|actor|member|patient|student|"
    r"contact|guest|driver|buyer|seller|account_holder|celebrit|subscriber|recipient|owner)"
)
_MACHINE: Final = re.compile(r"(^|_)(id|count|kind|type|at|status|verified|sent|enabled)$")


def reason(column: Column, seen: Seen | None, sampled: int, table: str = "") -> str:
    """Why the column is taken for personal; empty where nothing says so. Holds no value."""
    name = snake(column.name)
    if _MACHINE.search(name) or column.type in ("boolean",):
        return ""
    if _NAMES.search(name):
        return "its name says so"
    if _BARE_NAME.search(name) and _PEOPLE.search(snake(table)):
        return "a name, in a table of people"
    if seen is not None:
        present = sampled - seen.nulls
        # numbers of many digits look like telephones: keys, barcodes; those are no text of people
        for kind, count in seen.matches.items():
            if present >= _FEWEST and count >= _SHARE * present:
                return f"{count:,} of {present:,} sampled values look like {kind}"
    return ""


def is_personal(column: Column, seen: Seen | None, sampled: int, table: str = "") -> bool:
    """Whether anything says that the column is personal."""
    return bool(reason(column, seen, sampled, table))
