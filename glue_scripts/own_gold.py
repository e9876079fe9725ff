"""Gold tables of one's own SQL: computed by the runs that changed what they are made from."""

import hashlib
import logging
from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from glue_scripts import snapshots
from glue_scripts.tables import PROPERTIES
from lakehouse.errors import OwnGoldError
from lakehouse.gold import identifier, namespace
from lakehouse.own_gold import OwnGold, Refresh

logger = logging.getLogger(__name__)

MADE_FROM = "lakehouse.made-from"
"""Property of a table's snapshot: the digest of its SQL, and by input the snapshot read."""


def refresh(
    spark: SparkSession, own: Mapping[str, OwnGold], silver: str, gold: str, *, anew: bool = False
) -> list[str]:
    """Brings the tables to silver's and gold's newest snapshots; returns those that were computed.

    One that fails stays as it was and the others go on; raises OwnGoldError at the end.
    """
    done, failures = [], dict[str, Exception]()
    for name, one in own.items():
        if one.refresh is not Refresh.RUN:
            continue
        try:
            if _refresh(spark, one, silver, gold, anew):
                done.append(name)
        except Exception as failure:
            logger.exception("gold: %s failed", name)
            failures[name] = failure
    if failures:
        raise OwnGoldError(failures)
    return done


def _refresh(spark: SparkSession, own: OwnGold, silver: str, gold: str, anew: bool) -> bool:
    target = identifier(gold, own.name)
    state = _state(spark, own, silver, gold)
    is_there = spark.catalog.tableExists(target)
    is_current = is_there and snapshots.note(spark, target, MADE_FROM) == state
    if is_current and not anew and not own.tells_time:
        return False
    rows = spark.sql(own.select(namespace(silver), namespace(gold))).persist()
    try:
        _check_grain(own, rows)
        _write(rows, target, own, state, is_new=not is_there or _differ(spark, target, rows))
    finally:
        rows.unpersist()
    logger.info("gold: %s computed anew", own.name)
    return True


def _state(spark: SparkSession, own: OwnGold, silver: str, gold: str) -> str:
    digest = hashlib.sha256(f"{own.sql}\0{own.grain}".encode()).hexdigest()[:16]
    databases = {"silver": silver, "gold": gold}
    read = [
        f"{layer}.{table}={snapshots.current(spark, identifier(databases[layer], table)) or 0}"
        for layer, table in own.inputs
    ]
    return ",".join([f"sql={digest}", *read])


def _check_grain(own: OwnGold, rows: DataFrame) -> None:
    """Raises ValueError if rows share a grain: whoever joins the table would count them twice."""
    several = rows.groupBy(*own.grain).count().where("count > 1")
    found = several.agg(fn.count("*").alias("times"), fn.max("count").alias("most")).first()
    if found and found["times"]:
        raise ValueError(
            f"{found['times']} times several rows (up to {found['most']}) share one "
            f"({', '.join(own.grain)}); let the grain of {own.name}.sql name every column that "
            "tells its rows apart, or group by these"
        )


def _differ(spark: SparkSession, target: str, rows: DataFrame) -> bool:
    there = [(field.name, field.dataType) for field in spark.table(target).schema.fields]
    return there != [(field.name, field.dataType) for field in rows.schema.fields]


def _write(rows: DataFrame, target: str, own: OwnGold, state: str, *, is_new: bool) -> None:
    """All rows in one commit, in the order of the grain; `is_new` with the columns of `rows`."""
    writer = (
        rows.orderBy(*own.grain).writeTo(target).option(f"snapshot-property.{MADE_FROM}", state)
    )
    if not is_new:
        writer.overwrite(fn.lit(True))
        return
    writer = writer.using("iceberg")
    for name, value in PROPERTIES.items():
        writer = writer.tableProperty(name, value)
    writer.createOrReplace()
