"""The data dictionary: every table and view with grain, key, columns and how late data behave.

Names and types come from the contracts and `lakehouse.gold`; the words from the contracts
(`description`, `[descriptions]`) and `dictionary.toml`. `python -m lakehouse.dictionary` prints it.
"""

import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from lakehouse.columns import INGEST_DATE
from lakehouse.contract import History, TableContract, load_contracts
from lakehouse.errors import ConfigurationError
from lakehouse.gold import (
    QUARANTINE,
    QUARANTINE_COLUMNS,
    Columns,
    bronze_columns,
    gold_tables,
    silver_columns,
    tables_of_views,
    transition_columns,
)
from lakehouse.own_gold import OwnGold, Refresh
from lakehouse.views import load_views

_HEAD = """# Data dictionary

Rendered from the contracts, `lakehouse/gold.py` and `lakehouse/dictionary.toml` by `make docs`;
tests keep it equal to them and to the deployed tables. Times are UTC, money is exact.
"""
_LAYERS = {
    "bronze": "Raw Parquet, as captured; the Glue database ends in `_bronze`.",
    "silver": "Iceberg tables, one or two for each source table.",
    "gold": "Iceberg tables of aggregates, and what the runs say of themselves.",
    "views": "What the dashboard reads: Athena views in the gold database.",
}


@dataclass(frozen=True)
class Entry:
    """One table or view; `columns` maps a name to its type, `meanings` a name to its words."""

    layer: str
    name: str
    title: str
    columns: Columns
    meanings: Mapping[str, str]
    grain: str = ""
    key: tuple[str, ...] = ()
    late: str = ""
    personal: tuple[str, ...] = field(default=())

    def undescribed(self) -> list[str]:
        """What lacks words: `title`, `grain`, `key`, `late`, or a column by its name."""
        tables = ("title",) if self.layer == "views" else ("title", "grain", "key", "late")
        missing = [part for part in tables if not getattr(self, part)]
        return missing + [name for name in self.columns if not self.meanings.get(name)]


def described() -> dict[str, Any]:
    """The document `dictionary.toml`."""
    return tomllib.loads((files("lakehouse") / "dictionary.toml").read_text(encoding="utf-8"))


def entries(contracts: Mapping[str, TableContract]) -> list[Entry]:
    """All tables and views, layer by layer."""
    words = described()
    found = [entry for c in contracts.values() for entry in _of_contract(c, words)]
    found.append(_written("silver", QUARANTINE, QUARANTINE_COLUMNS, words["silver"]))
    found += [
        _written("gold", name, columns, words["gold"])
        for name, columns in gold_tables(contracts).items()
    ]
    meanings = {entry.name: entry.meanings for entry in found if entry.layer != "bronze"}
    for name, sql in load_views(tables_of_views(contracts)).items():
        view = words["views"].get(name, {})
        inherited = meanings.get(view.get("of", ""), {})
        title = sql.splitlines()[0].removeprefix("--").strip()
        own = view.get("columns", {})
        found.append(Entry("views", name, title, view.get("types", {}), {**inherited, **own}))
    order = list(_LAYERS)
    return sorted(found, key=lambda entry: order.index(entry.layer))


def _of_contract(contract: TableContract, words: Mapping[str, Any]) -> Iterator[Entry]:
    meanings = {**words["columns"], **contract.descriptions}

    def entry(layer: str, name: str, kind: str, columns: Columns) -> Entry:
        said = words["layers"][kind]
        return Entry(
            layer,
            name,
            contract.description,
            columns,
            meanings,
            said["grain"],
            (*contract.key, *said["key"]),
            said["late"],
            tuple(column for column in contract.personal if column in columns),
        )

    landed = {**bronze_columns(contract), INGEST_DATE: "string"}
    yield entry("bronze", contract.table, "bronze", landed)
    kind = "scd2" if contract.history is History.SCD2 else "current"
    yield entry("silver", contract.table, kind, silver_columns(contract))
    if contract.transitions_table:
        columns = transition_columns(contract)
        yield entry("silver", contract.transitions_table, "transitions", columns)


def _written(layer: str, name: str, columns: Columns, words: Mapping[str, Any]) -> Entry:
    said = words.get(name, {})
    return Entry(
        layer,
        name,
        said.get("title", ""),
        columns,
        said.get("columns", {}),
        said.get("grain", ""),
        tuple(said.get("key", ())),
        said.get("late", ""),
    )


def of_own(own: OwnGold, columns: Columns) -> Entry:
    """The table or view that a SQL file makes, with the types of its columns."""
    is_table = own.refresh is Refresh.RUN
    return Entry(
        "gold" if is_table else "views",
        own.name,
        own.title,
        columns,
        {name: own.meanings.get(name, "") for name in columns},
        f"one row per {', '.join(own.grain)}",
        own.grain,
        "Computed anew by each run that changed what it is made from."
        if is_table
        else "Whatever is in the tables when it is read.",
    )


def superfluous(contracts: Mapping[str, TableContract]) -> list[str]:
    """Words in `dictionary.toml` for what does not exist."""
    words = described()
    known = {(entry.layer, entry.name): entry for entry in entries(contracts)}
    odd = []
    for layer in ("silver", "gold", "views"):
        for name, said in words[layer].items():
            entry = known.get((layer, name))
            if entry is None:
                odd.append(f"{layer}.{name}")
            else:
                odd += [
                    f"{layer}.{name}.{c}" for c in said.get("columns", {}) if c not in entry.columns
                ]
    return odd


def render(
    contracts: Mapping[str, TableContract], own: Iterable[Entry] = (), *, is_draft: bool = False
) -> str:
    """The Markdown document, with tables and views of one's `own` behind those of their layer.

    Raises ConfigurationError naming what has no description, unless it `is_draft`.
    """
    parts = [_HEAD]
    layer = ""
    order = list(_LAYERS)
    found = sorted([*entries(contracts), *own], key=lambda entry: order.index(entry.layer))
    for entry in found:
        if not is_draft and (missing := entry.undescribed()):
            raise ConfigurationError(
                f"{entry.layer} {entry.name} has no words for {', '.join(missing)}; add them to "
                "lakehouse/dictionary.toml, or to the contract's description and [descriptions]"
            )
        if entry.layer != layer:
            layer = entry.layer
            parts.append(f"## {layer.capitalize()}\n\n{_LAYERS[layer]}\n")
        parts.append(_section(entry))
    return "\n".join(parts)


def _section(entry: Entry) -> str:
    lines = [f"### {entry.name}", "", entry.title, ""]
    if entry.grain:
        key = ", ".join(f"`{name}`" for name in entry.key)
        lines += [f"- Grain: {entry.grain}. Key: {key}.", f"- Late data: {entry.late}", ""]
    lines += ["| column | type | meaning |", "|---|---|---|"]
    for name, kind in entry.columns.items():
        personal = " Personal." if name in entry.personal else ""
        lines.append(f"| `{name}` | {kind} | {entry.meanings.get(name, '')}{personal} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.stdout.write(render(load_contracts()))
