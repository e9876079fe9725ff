"""Names for the lake: lower-case identifiers, as only those are one name to every engine."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from lakehouse.columns import WRITTEN_BY_US
from lakehouse.contract import LAKE_NAME

_LONGEST: Final = 63
_TAKEN_TABLES: Final = frozenset({"quarantine"})
"""Tables that silver itself has."""


def snake(name: str) -> str:
    """`InvoiceLine`, `Celebrity Id`, `Émile` -> `invoice_line`, `celebrity_id`, `emile`.

    Empty where no Latin letter or digit is left.
    """
    if LAKE_NAME.fullmatch(name):
        return name
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", words.casefold())
        if not unicodedata.combining(letter)
    )
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def lake_names(names: Iterable[str], kind: str, taken: Iterable[str] = ()) -> dict[str, str]:
    """A name in the lake for each name of the source, all different, none of `taken`.

    `kind`, `column` or `table`, stands where nothing of a name can be kept.
    """
    found: dict[str, str] = {}
    names = list(names)
    used = {*taken, *(WRITTEN_BY_US if kind == "column" else _TAKEN_TABLES)}
    # a name that may stay as it is has the first right to it
    ordered = sorted(names, key=lambda name: not LAKE_NAME.fullmatch(name))
    for name in ordered:
        wished = snake(name)[:_LONGEST]
        if not wished:
            wished = f"{kind}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"
        elif not LAKE_NAME.fullmatch(wished):
            wished = f"{kind}_{wished}"[:_LONGEST]
        if wished in used and wished in (WRITTEN_BY_US | _TAKEN_TABLES):
            wished = f"source_{wished.lstrip('_')}"
        number, candidate = 1, wished
        while candidate in used:
            number += 1
            candidate = f"{wished[: _LONGEST - 4]}_{number}"
        used.add(candidate)
        found[name] = candidate
    return {name: found[name] for name in names}
