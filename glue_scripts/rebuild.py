"""Silver and gold once more, from bronze alone, beside the live tables: compared and swapped in.

The copies are made by the functions that make the live tables, from the batches that those have.
Everything in a row follows from bronze, the contracts and the rules, with these exceptions: the run
that computed it (`run_id`), and the tables in which runs record what they did, which are not made.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, SparkSession

from glue_scripts import gold, tables
from glue_scripts.fingerprints import Fingerprint, fingerprint
from lakehouse import ledger
from lakehouse.contract import TableContract
from lakehouse.dictionary import Entry, entries
from lakehouse.gold import TABLE_HEALTH, identifier, namespace
from lakehouse.ledger_client import Ledger

if TYPE_CHECKING:
    from glue_scripts.job import Run

logger = logging.getLogger(__name__)

SUFFIX = "_rebuild"
"""Of the databases that hold the copies."""
LAYERS = ("silver", "gold")
_RUN_ID = "run_id"


@dataclass(frozen=True)
class LedgerUpTo:
    """The ledger as far as the live tables are; keeps nobody's mark."""

    ledger: Ledger
    upto: Mapping[str, int]

    def batches(self, table: str, after: int = 0) -> list[ledger.Batch]:
        """Batches above `after`, up to the limit of the table."""
        found = self.ledger.batches(table, after)
        return [batch for batch in found if batch.batch_id <= self.upto[table]]

    def mark_merged(self, table: str, batch_id: int, columns: tuple[str, ...] = ()) -> None:
        """The copy's progress is not the table's."""


@dataclass(frozen=True)
class Compared:
    """A live table beside its copy; `keys` are some of the rows that only one of them has."""

    layer: str
    table: str
    live: Fingerprint
    copy: Fingerprint
    keys: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both hold the same rows."""
        return self.live == self.copy

    def __str__(self) -> str:
        if self.equal:
            return f"{self.layer} {self.table}: equal, {self.live}"
        return (
            f"{self.layer} {self.table}: live has {self.live}; from bronze it is {self.copy}; "
            f"rows that differ: {', '.join(self.keys)}"
        )


def rebuild(
    run: "Run",
    contracts: Mapping[str, TableContract],
    ensure: Callable[["Run", Mapping[str, TableContract]], None],
    merge: Callable[["Run", TableContract], None],
    step: int,
    glue: Any,
) -> list[Compared]:
    """Makes the copies and compares them; `step` batches are merged at once, 0 for all.

    `glue` is a boto3 client. The copies stay, for whoever wants to look, until `drop_copies`.
    """
    spark, live = run.spark, _databases(run)
    copies = {layer: f"{database}{SUFFIX}" for layer, database in live.items()}
    reached = {
        name: int(tables.read_mark(spark, identifier(live["silver"], name), tables.MERGED) or 0)
        for name in contracts
    }
    drop_copies(run, glue)
    for layer in LAYERS:
        place = f"s3://{run.arguments[f'{layer}_bucket']}/rebuild-{run.arguments['run_id']}"
        spark.sql(f"ALTER NAMESPACE {namespace(copies[layer])} SET LOCATION '{place}'")
    most = max(reached.values(), default=0)
    ends = [*range(step, most, step), most] if step else [most]
    arguments = {
        **run.arguments,
        **{f"{layer}_database": copies[layer] for layer in LAYERS},
        # What the live table took despite a failing rule about the set, its copy takes too.
        "quality_mode": "warn",
    }
    copy = replace(run, arguments=arguments, outcomes={}, merged={}, compared={}, failures={})
    ensure(copy, contracts)
    for end in ends:
        upto = {name: min(end, last) for name, last in reached.items()}
        copy.ledger = LedgerUpTo(run.ledger, upto)  # type: ignore[assignment]
        for contract in contracts.values():
            merge(copy, contract)
        gold.refresh(
            spark, contracts, copy.merged, arguments[_RUN_ID], copies["silver"], copies["gold"]
        )
    return [
        _compare(spark, entry, live[entry.layer], copies[entry.layer])
        for entry in computed(contracts)
    ]


def computed(contracts: Mapping[str, TableContract]) -> list[Entry]:
    """The tables that follow from bronze: all but those in which runs record what they did."""
    return [
        entry
        for entry in entries(contracts)
        if entry.layer in LAYERS and (_RUN_ID not in entry.columns or entry.name == TABLE_HEALTH)
    ]


def _databases(run: "Run") -> dict[str, str]:
    return {layer: run.arguments[f"{layer}_database"] for layer in LAYERS}


def _compare(spark: SparkSession, entry: Entry, live: str, copy: str) -> Compared:
    """Over the columns of the copy: the live one may keep a column that the contract lost."""
    made = spark.table(identifier(copy, entry.name)).drop(_RUN_ID)
    there = spark.table(identifier(live, entry.name)).select(*made.columns)
    one, other = fingerprint(there), fingerprint(made)
    keys = () if one == other else _differing(entry, there, made)
    compared = Compared(entry.layer, entry.name, one, other, keys)
    logger.info("%s", compared)
    return compared


def _differing(entry: Entry, there: DataFrame, made: DataFrame) -> tuple[str, ...]:
    names = [name for name in entry.key if name not in entry.personal]
    found: list[str] = []
    for side, rows in (("live", there.exceptAll(made)), ("bronze", made.exceptAll(there))):
        for row in rows.select(*names).orderBy(*names).limit(5).collect():
            found.append(f"{side} {' '.join(f'{name}={row[name]}' for name in names)}")
    return tuple(found)


def swap(run: "Run", found: list[Compared], glue: Any) -> None:
    """Lets each live name show the copy's rows, and the copy's name the former ones.

    Only pointers move, table by table, silver before gold. Killed in between, some tables are the
    copies and some the former ones; the next rebuild finds what differs and swaps again.
    """
    for one in found:
        database = _databases(run)[one.layer]
        former = _table(glue, database, one.table)
        copy = _table(glue, f"{database}{SUFFIX}", one.table)
        _point(glue, database, former, copy)
        _point(glue, f"{database}{SUFFIX}", copy, former)
        logger.info("%s %s: swapped in", one.layer, one.table)


def drop_copies(run: "Run", glue: Any) -> None:
    """Drops what a rebuild left, files included, but never those of a live table."""
    for live in _databases(run).values():
        database = f"{live}{SUFFIX}"
        pages = glue.get_paginator("get_tables").paginate(DatabaseName=database)
        for name in [table["Name"] for page in pages for table in page["TableList"]]:
            is_shared = _place(glue, database, name) == _place(glue, live, name)
            purge = "" if is_shared else " PURGE"  # a swap was killed between its two halves
            run.spark.sql(f"DROP TABLE {identifier(database, name)}{purge}")


def _place(glue: Any, database: str, name: str) -> str | None:
    try:
        return str(_table(glue, database, name)["StorageDescriptor"]["Location"])
    except glue.exceptions.EntityNotFoundException:
        return None


def _table(glue: Any, database: str, name: str) -> dict[str, Any]:
    table: dict[str, Any] = glue.get_table(DatabaseName=database, Name=name)["Table"]
    return table


def _point(glue: Any, database: str, table: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Gives `table` the metadata file, the columns and the place of `other`."""
    glue.update_table(
        DatabaseName=database,
        SkipArchive=True,
        **({"VersionId": table["VersionId"]} if "VersionId" in table else {}),
        TableInput={
            "Name": table["Name"],
            "TableType": table["TableType"],
            "Parameters": other["Parameters"],
            "StorageDescriptor": other["StorageDescriptor"],
        },
    )
