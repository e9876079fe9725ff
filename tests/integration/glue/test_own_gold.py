"""Gold tables of one's own SQL: computed when what they read has changed, one commit each."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import OwnGoldError
from lakehouse.own_gold import OwnGold, Refresh

SILVER, GOLD = "own_silver", "own_gold"
TOTALS = OwnGold(
    "totals",
    "Amounts by group.",
    ("group",),
    Refresh.RUN,
    "SELECT `group`, sum(amount) AS amount, count(*) AS n FROM ${silver}.lines GROUP BY `group`",
)


@pytest.fixture
def lines(spark: SparkSession) -> Iterator[str]:
    """A table of silver, and the two databases."""
    for database in (SILVER, GOLD):
        spark.sql(f"CREATE NAMESPACE IF NOT EXISTS glue_catalog.{database}")
    table = f"glue_catalog.{SILVER}.lines"
    spark.sql(
        f"CREATE TABLE {table} (id bigint, `group` string, amount decimal(12,2)) USING iceberg"
    )
    _add(spark, table, (1, "a", 5), (2, "a", 7), (3, None, 1))
    yield table
    for database in (SILVER, GOLD):
        for row in spark.sql(f"SHOW TABLES IN glue_catalog.{database}").collect():
            spark.sql(f"DROP TABLE glue_catalog.{database}.{row['tableName']} PURGE")


def _add(spark: SparkSession, table: str, *rows: tuple[Any, ...]) -> None:
    values = ", ".join(f"({i}, {'NULL' if g is None else repr(g)}, {a})" for i, g, a in rows)
    spark.sql(f"INSERT INTO {table} VALUES {values}")


def _refresh(spark: SparkSession, *own: OwnGold, anew: bool = False) -> list[str]:
    from glue_scripts import own_gold

    return own_gold.refresh(spark, {one.name: one for one in own}, SILVER, GOLD, anew=anew)


def _rows(spark: SparkSession, name: str = "totals") -> list[tuple[Any, ...]]:
    spark.catalog.refreshTable(f"glue_catalog.{GOLD}.{name}")
    return [tuple(row) for row in spark.table(f"glue_catalog.{GOLD}.{name}").collect()]


def _snapshots(spark: SparkSession, name: str = "totals") -> int:
    return spark.table(f"glue_catalog.{GOLD}.{name}.snapshots").count()


def test_it_follows_what_it_is_made_from(spark: SparkSession, lines: str) -> None:
    assert _refresh(spark, TOTALS) == ["totals"]
    assert [(g, float(a), n) for g, a, n in _rows(spark)] == [(None, 1, 1), ("a", 12, 2)]
    assert _refresh(spark, TOTALS) == []
    assert _snapshots(spark) == 1
    _add(spark, lines, (4, "b", 2))
    assert _refresh(spark, TOTALS) == ["totals"]
    assert len(_rows(spark)) == 3
    assert _refresh(spark, TOTALS, anew=True) == ["totals"]


def test_an_edited_file_is_computed_anew_with_its_columns(spark: SparkSession, lines: str) -> None:
    _refresh(spark, TOTALS)
    edited = replace(
        TOTALS, sql="SELECT `group`, max(id) AS latest FROM ${silver}.lines GROUP BY `group`"
    )
    assert _refresh(spark, edited) == ["totals"]
    assert spark.table(f"glue_catalog.{GOLD}.totals").columns == ["group", "latest"]
    assert _rows(spark) == [(None, 3), ("a", 2)]
    assert _refresh(spark, edited) == []


def test_a_table_that_reads_a_clock_is_computed_by_each_run(
    spark: SparkSession, lines: str
) -> None:
    timed = replace(
        TOTALS, sql="SELECT `group`, current_date AS day FROM ${silver}.lines GROUP BY `group`"
    )
    assert [_refresh(spark, timed) for _ in range(2)] == [["totals"], ["totals"]]


def test_one_that_fails_stays_as_it_was_and_the_others_go_on(
    spark: SparkSession, lines: str
) -> None:
    doubled = replace(TOTALS, name="doubled", sql="SELECT `group`, amount FROM ${silver}.lines")
    broken = replace(TOTALS, name="broken", sql="SELECT nothing AS `group` FROM ${silver}.lines")
    counts = replace(TOTALS, name="written")
    _refresh(spark, replace(TOTALS, name="doubled"))
    before = _rows(spark, "doubled")
    with pytest.raises(OwnGoldError) as failed:
        _refresh(spark, broken, doubled, counts)
    assert list(failed.value.failures) == ["broken", "doubled"]
    told = str(failed.value.failures["doubled"])
    assert told.startswith("1 times several rows (up to 2) share one (group); let the grain of")
    assert "nothing" in str(failed.value.failures["broken"])
    assert _rows(spark, "doubled") == before
    assert len(_rows(spark, "written")) == 2
    assert not spark.catalog.tableExists(f"glue_catalog.{GOLD}.broken")


def test_views_are_not_the_jobs(spark: SparkSession, lines: str) -> None:
    assert _refresh(spark, replace(TOTALS, refresh=Refresh.READ)) == []
    assert not spark.catalog.tableExists(f"glue_catalog.{GOLD}.totals")
