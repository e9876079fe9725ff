"""The gold tables: kept by exact differences of silver, each changed in one commit.

    gold(now) = gold(then) + what silver's rows of now say - what its rows of then said

`then` are the snapshots of silver that a table was computed from. They are in the summary of the
very snapshot that holds its rows, so that a job may be killed anywhere: the next one starts from
what is written. Where `then` is not known or gone, the table is computed from all of silver.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from glue_scripts import (
    city_performance,
    order_measures,
    own_gold,
    product_performance,
    snapshots,
)
from glue_scripts.change import Change
from glue_scripts.tables import replace_rows
from glue_scripts.upsert import HELD, upsert
from lakehouse.columns import INGESTED_AT, VALID_TO
from lakehouse.contract import History, TableContract
from lakehouse.gold import GOLD, QUARANTINE, SHOP, TABLE_HEALTH, identifier, is_shop
from lakehouse.ledger import batch_name
from lakehouse.own_gold import OwnGold
from lakehouse.spark_conf import FILE_BYTES

logger = logging.getLogger(__name__)

INPUTS: Final = "lakehouse.inputs"
"""Property of a gold table's snapshot: the definition's revision, and by input the snapshot (of
table_health: the batch) that its rows were computed from."""

REVISION: Final = 2
"""Raise it when the definition of a gold table changes: all are then computed anew."""

PAYS_FROM: Final = 2 * FILE_BYTES
"""Bytes of sales from which differences are less work than all rows: below, a delta touches most
files anyway, and each of its steps takes Spark longer to plan than the whole table to sum."""

SALES, USERS, PRODUCTS = SHOP
COLUMNS: Final = {
    SALES: SHOP[SALES],
    USERS: (*SHOP[USERS], "valid_from"),
    PRODUCTS: (*SHOP[PRODUCTS], "valid_from", "is_current"),
}
"""What gold reads of silver; a change of anything else does not touch it."""


@dataclass(frozen=True)
class Definition:
    """A gold table as a function of silver's tables, and what becomes of it when they change."""

    inputs: tuple[str, ...]
    whole: Callable[..., DataFrame]
    """The inputs to all rows."""
    change: Callable[..., DataFrame]
    """The table's rows and the inputs' changes to its new rows; only the changed ones if `by`."""
    by: str | None = None
    """Key of a table that may be large: its changed rows are put in their place."""


DEFINITIONS: Final = {
    "city_performance": Definition(
        (SALES, USERS), city_performance.city_performance, city_performance.after_change
    ),
    "daily_sales": Definition(
        (SALES,), order_measures.daily_sales, order_measures.daily_sales_after
    ),
    "order_status": Definition(
        (SALES,), order_measures.order_status, order_measures.order_status_after
    ),
    "product_performance": Definition(
        (SALES, PRODUCTS),
        product_performance.product_performance,
        product_performance.product_changes,
        by="product_id",
    ),
}


def refresh(
    spark: SparkSession,
    contracts: Mapping[str, TableContract],
    merged: Mapping[str, int],
    run_id: str,
    silver: str,
    gold: str,
    *,
    own: Mapping[str, OwnGold] | None = None,
    anew: bool = False,
) -> list[str]:
    """Brings the gold tables to silver's newest snapshots; returns the names of those that changed.

    `own` are tables of one's own SQL; OwnGoldError if some fail, after all others are done. `anew`
    computes all from the whole of silver, whatever they say that they were computed from.
    """
    done = _refresh_shop(spark, silver, gold, anew) if is_shop(contracts) else []
    try:
        done += own_gold.refresh(spark, own or {}, silver, gold, anew=anew)
    finally:
        # Last: its change tells readers that all figures are new.
        done.append(_refresh_health(spark, contracts, merged, run_id, silver, gold, anew))
    return [name for name in done if name]


def _refresh_shop(spark: SparkSession, silver: str, gold: str, anew: bool) -> list[str | None]:
    """The tables of DEFINITIONS; the names of those that changed, None for the others."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        inputs = {name: identifier(silver, name) for name in COLUMNS}
        found = pool.map(lambda table: snapshots.current(spark, table), inputs.values())
        now = dict(zip(inputs, found, strict=True))
        states = pool.map(lambda name: _state(spark, identifier(gold, name)), DEFINITIONS)
        then = {
            name: {} if anew else state for name, state in zip(DEFINITIONS, states, strict=True)
        }
        is_small = snapshots.size(spark, inputs[SALES]) < PAYS_FROM
        changes: dict[tuple[str, int], Change] = {}
        for name, definition in DEFINITIONS.items():
            if then[name] == {source: now[source] or 0 for source in definition.inputs}:
                continue
            if is_small or not _is_usable(spark, definition, then[name], now, inputs):
                then[name] = {}
            for source, since in then[name].items():
                upto = now[source]
                assert upto is not None
                change = Change(spark, inputs[source], since, upto, COLUMNS[source])
                changes.setdefault((source, since), change)
        list(pool.map(lambda change: change.rows, changes.values()))

        def one(name: str) -> str | None:
            since, of_now = then[name], {s: now[s] or 0 for s in DEFINITIONS[name].inputs}
            if since == of_now:
                return None
            of = [changes[source, since[source]] for source in DEFINITIONS[name].inputs if since]
            return _refresh(spark, name, of, now, inputs, identifier(gold, name))

        return list(pool.map(one, DEFINITIONS))


def _refresh(
    spark: SparkSession,
    name: str,
    changes: list[Change],
    now: Mapping[str, int | None],
    inputs: Mapping[str, str],
    target: str,
) -> str | None:
    """One table; `changes` of its inputs in order, none where it is to be computed anew."""
    definition = DEFINITIONS[name]
    note = {INPUTS: _text({source: now[source] for source in definition.inputs})}
    if not changes:
        rows = [spark.table(inputs[source]) for source in definition.inputs]
        replace_rows(definition.whole(*rows), target, GOLD[name], note)
        logger.info("gold: %s computed anew", name)
        return name
    if all(change.is_empty for change in changes):
        return None
    held = spark.table(target)
    after = definition.change(held, *changes)
    if definition.by:
        upsert(spark, target, after, (definition.by,), [fn.col(HELD).asc()], note)
    else:
        replace_rows(after, target, GOLD[name], note)
    logger.info("gold: %s changed", name)
    return name


def _is_usable(
    spark: SparkSession,
    definition: Definition,
    then: Mapping[str, int],
    now: Mapping[str, int | None],
    inputs: Mapping[str, str],
) -> bool:
    """Whether all snapshots that a table was computed from can still be read."""
    return set(then) == set(definition.inputs) and all(
        now[source] is not None and snapshots.is_kept(spark, inputs[source], since)
        for source, since in then.items()
    )


def _text(inputs: Mapping[str, int | None]) -> str:
    return ",".join([f"revision={REVISION}", *(f"{n}={i or 0}" for n, i in inputs.items())])


def _state(spark: SparkSession, target: str) -> dict[str, int]:
    """By input the snapshot that the table's rows were computed from; empty if by other rules."""
    noted = snapshots.note(spark, target, INPUTS)
    entries = dict(entry.split("=", 1) for entry in noted.split(",")) if noted else {}
    if entries.pop("revision", None) != str(REVISION):
        return {}
    return {source: int(snapshot) for source, snapshot in entries.items()}


def _refresh_health(
    spark: SparkSession,
    contracts: Mapping[str, TableContract],
    merged: Mapping[str, int],
    run_id: str,
    silver: str,
    gold: str,
    anew: bool,
) -> str | None:
    target = identifier(gold, TABLE_HEALTH)
    state = _text({name: merged[name] for name in contracts})
    if not anew and snapshots.note(spark, target, INPUTS) == state:
        return None
    rows = table_health(spark, contracts, merged, run_id, silver)
    replace_rows(rows, target, GOLD[TABLE_HEALTH], {INPUTS: state})
    return TABLE_HEALTH


def table_health(
    spark: SparkSession,
    contracts: Mapping[str, TableContract],
    merged: Mapping[str, int],
    run_id: str,
    silver: str,
) -> DataFrame:
    """One row per source table: rows now, keys whose newest version is in quarantine, freshness.

    Counts and maxima of a whole Iceberg table are in its metadata: no file is read for them.
    """
    waiting = (
        spark.table(identifier(silver, QUARANTINE))
        .where(fn.col("superseded_by").isNull())
        .groupBy("source_table")
        .agg(fn.count_distinct("row_key").alias("quarantined_keys"))
    )
    measured: DataFrame | None = None
    for contract in contracts.values():
        ended = fn.lit(0)
        if contract.history is History.SCD2:
            ended = fn.count(VALID_TO)
        row = (
            spark.table(identifier(silver, contract.table))
            .agg(
                (fn.count(fn.lit(1)) - ended).alias("rows"),
                fn.max(contract.change_column).alias("last_change_at"),
                fn.max(INGESTED_AT).alias("last_ingested_at"),
            )
            .select(
                fn.lit(contract.table).alias("source_table"),
                "*",
                fn.lit(batch_name(merged[contract.table])).alias("merged_batch_id"),
                fn.lit(run_id).alias("run_id"),
            )
        )
        measured = row if measured is None else measured.unionByName(row)
    assert measured is not None
    zero = fn.coalesce("quarantined_keys", fn.lit(0))
    return measured.join(waiting, "source_table", "left").withColumn("quarantined_keys", zero)
