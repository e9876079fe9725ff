"""Gold of one's own: a SQL file beside the contracts becomes a table or a view of gold.

    -- What the genres bring in, month by month.
    -- name: genre_revenue
    -- grain: genre, month
    -- refresh: run
    -- revenue: Sum of the invoices' lines, in the currency of the invoices.
    SELECT ...
    FROM ${silver}.invoice_line AS l
    JOIN ...

The first comment is the title. `refresh: run` makes an Iceberg table, which the Glue job keeps:
Spark's SQL. `refresh: read` makes a view, which Athena computes whenever it is read: Athena's SQL.
`grain` names the columns that tell the rows apart. `chart` is `line`, `bar` or `none`. Any other
name is a column's, and what follows it the column's meaning.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources.abc import Traversable
from typing import Final

from lakehouse.contract import DIRECTORY, LAKE_NAME, TableContract
from lakehouse.errors import ConfigurationError
from lakehouse.gold import (
    GOLD,
    QUARANTINE,
    QUARANTINE_COLUMNS,
    Columns,
    gold_tables,
    silver_tables,
)
from lakehouse.layered import filled, read_tables

_SETTING: Final = re.compile(r"([a-z][a-z0-9_]*)\s*:\s*(\S.*)")
_CLOCK: Final = re.compile(
    r"\b(current_date|current_timestamp|localtimestamp|now|unix_timestamp|curdate)\b", re.IGNORECASE
)
_REQUIRED: Final = ("name", "grain", "refresh")


class Refresh(StrEnum):
    """When the figures are computed."""

    RUN = "run"
    """By each run that changed what they are made from; a table."""
    READ = "read"
    """Whenever somebody reads them; a view."""


class Chart(StrEnum):
    """How the dashboard draws the figures."""

    AUTO = "auto"
    """A line where the grain begins with a time, else bars."""
    LINE = "line"
    BAR = "bar"
    NONE = "none"


@dataclass(frozen=True)
class OwnGold:
    """One file: `sql` is its SELECT over `${silver}` and `${gold}`, `title` what it tells."""

    name: str
    title: str
    grain: tuple[str, ...]
    refresh: Refresh
    sql: str
    chart: Chart = Chart.AUTO
    meanings: Mapping[str, str] = field(default_factory=dict)
    """Words for columns, as far as the file has them."""

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"{self.name}.sql"

    @property
    def inputs(self) -> list[tuple[str, str]]:
        """The tables that are read: layer and name, each once."""
        return list(dict.fromkeys(read_tables(self.sql)))

    @property
    def tells_time(self) -> bool:
        """Whether the figures change while the tables stay as they are."""
        return bool(_CLOCK.search(self.sql))

    def select(self, silver: str, gold: str) -> str:
        """The SELECT over the databases `silver` and `gold`."""
        return filled(self.sql, silver, gold, self.file)


def load_own_gold(directory: Traversable = DIRECTORY) -> dict[str, OwnGold]:
    """The files of a folder of contracts by name, in alphabetical order.

    Raises ConfigurationError naming file and line of the header that is wrong.
    """
    entries = sorted(directory.iterdir(), key=lambda entry: entry.name)
    found = [
        parse(entry.name, entry.read_text(encoding="utf-8"))
        for entry in entries
        if entry.name.endswith(".sql")
    ]
    return {one.name: one for one in found}


def parse(file: str, text: str) -> OwnGold:
    """The content of `file`; ConfigurationError where its header does not hold."""
    title, settings = "", dict[str, str]()
    lines = text.strip().splitlines()
    end = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    for line in lines[:end]:
        said = line.removeprefix("--").strip()
        setting = _SETTING.fullmatch(said)
        if not title and setting is None:
            title = said
        elif setting is None:
            raise fault(file, f"{line!r} is no 'name: value'; let the title be one line")
        elif setting[1] in settings:
            raise fault(file, f"{setting[1]!r} stands twice")
        else:
            settings[setting[1]] = setting[2].strip()
    if not title:
        raise fault(file, "the title is missing; let the first line be '-- What it tells.'")
    if missing := [name for name in _REQUIRED if name not in settings]:
        raise fault(file, f"{missing[0]!r} is missing; write '-- {missing[0]}: ...' at the top")
    name, grain, refresh = (settings.pop(one) for one in _REQUIRED)
    chart = settings.pop("chart", Chart.AUTO)
    if f"{name}.sql" != file:
        raise fault(file, f"'name' is {name!r}, not the file's name")
    if not LAKE_NAME.fullmatch(name):
        raise fault(file, f"'name' is {name!r}; use a-z, 0-9 and _")
    if name.startswith("v_") or name in GOLD:
        raise fault(file, f"{name!r} is a name of the platform's own; choose another")
    keys = tuple(column.strip() for column in grain.split(","))
    if odd := [column for column in keys if not LAKE_NAME.fullmatch(column)]:
        raise fault(file, f"'grain' names {odd[0]!r}; use columns of a-z, 0-9 and _")
    return OwnGold(
        name,
        title,
        keys,
        Refresh(_known(Refresh, refresh, file, "refresh")),
        "\n".join(lines[end:]).strip().removesuffix(";"),
        Chart(_known(Chart, chart, file, "chart")),
        settings,
    )


def check_inputs(own: OwnGold, contracts: Mapping[str, TableContract]) -> None:
    """Raises ConfigurationError if the file reads what these contracts do not make."""
    own.select("silver", "gold")
    known = readable(contracts)
    if not own.inputs:
        raise fault(own.file, "reads no table; write FROM ${silver}.<table>")
    for layer, table in own.inputs:
        if table not in known[layer]:
            raise fault(own.file, f"no {layer} table {table!r}; known: {', '.join(known[layer])}")


def readable(contracts: Mapping[str, TableContract]) -> dict[str, dict[str, Columns]]:
    """Layer to the tables that a file may read, with their columns."""
    silver: dict[str, Columns] = {}
    for contract in contracts.values():
        silver |= silver_tables(contract)
    return {"silver": {**silver, QUARANTINE: QUARANTINE_COLUMNS}, "gold": gold_tables(contracts)}


def _known(kind: type[StrEnum], value: str, file: str, setting: str) -> str:
    known = [str(member) for member in kind]
    if value not in known:
        raise fault(file, f"{setting!r} is {value!r}; known: {', '.join(known)}")
    return value


def fault(file: str, told: str) -> ConfigurationError:
    """What is wrong with a file, in one line."""
    return ConfigurationError(f"{file}: {told}")
