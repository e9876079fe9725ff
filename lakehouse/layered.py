"""SQL over the layers: `${silver}` and `${gold}` stand for their databases."""

import re
from string import Template
from typing import Final

from lakehouse.errors import ConfigurationError

_TABLE: Final = re.compile(r"\$\{(gold|silver)\}\.[\"`]?([a-z_][a-z0-9_]*)")
_DATABASE: Final = re.compile(r"([a-z][a-z0-9_]*\.)?[a-z][a-z0-9_]*")


def read_tables(sql: str) -> list[tuple[str, str]]:
    """Layer and name of each table that `sql` reads, as often as it does."""
    return _TABLE.findall(sql)


def filled(sql: str, silver: str, gold: str, origin: str) -> str:
    """`sql` over the databases `silver` and `gold`, which may be of a catalog, without its title.

    Raises ConfigurationError, naming `origin`, for a database name that needs quotes or a
    placeholder other than these two.
    """
    for database in (silver, gold):
        if not _DATABASE.fullmatch(database):
            raise ConfigurationError(
                f"database name {database!r} is not usable in SQL; use a-z, 0-9 and _"
            )
    lines = [line for line in sql.splitlines() if not line.startswith("--")]
    try:
        return Template("\n".join(lines)).substitute(silver=silver, gold=gold).strip()
    except (KeyError, ValueError) as unknown:
        raise ConfigurationError(
            f"{origin} has the placeholder {unknown}; known: silver, gold; a dollar itself is $$"
        ) from None
