"""After a merge, silver is compared with the batches: whatever a merge could do wrong is named."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from lakehouse.contract import History, TableContract
from lakehouse.errors import ReconciliationError
from lakehouse.gold import (
    QUARANTINE,
    QUARANTINE_COLUMNS,
    bronze_columns,
    identifier,
    silver_columns,
    silver_tables,
)
from lakehouse.ledger import Batch, Kind, batch_name
from lakehouse.rowhash import content, row_hash
from tests.integration.glue.history_oracle import MICROSECOND, SCD2, START, Event

SILVER = "reconciled"
HOUR = timedelta(hours=1)
CURRENT = replace(SCD2, table="current_things", history=History.CURRENT, transitions="status")


def _events(seed: int, keys: int, batches: int) -> list[Event]:
    """Few values and few times: no-ops, ties and times that go backwards are common."""
    dice = random.Random(seed)
    events = []
    for key in range(keys):
        for batch in range(1, batches + 1):
            if dice.random() < 0.4:
                continue
            deleted = dice.random() < 0.25
            status = None if deleted else dice.choice("AB")
            note = None if deleted else dice.choice(["x", None])
            time = START + dice.randrange(4) * MICROSECOND + dice.randrange(-2, 3) * HOUR
            events.append(Event((key,), batch, status, note, time))
    return events


def _batch(number: int, kind: Kind = Kind.DELTA, **facts: int) -> Batch:
    at = f"2026-01-01T00:00:{number:02d}.000000Z"
    return Batch(
        "things", number, kind, None, None, at, None, at, None, at, "run", "owner", **facts
    )


@dataclass
class Merged:
    """One contract's batches 4 to 7, merged on top of 1 to 3."""

    spark: SparkSession
    contract: TableContract
    rows: DataFrame

    @property
    def table(self) -> str:
        return identifier(SILVER, self.contract.table)

    def reconcile(self, bad: DataFrame | None = None, batches: Sequence[Batch] = ()) -> Any:
        from glue_scripts.reconciliation import reconcile

        chosen = batches or [_batch(number, deletes=1) for number in range(4, 8)]
        return reconcile(self.spark, self.contract, chosen, self.rows, bad, SILVER)

    def refused(self) -> str:
        with pytest.raises(ReconciliationError) as caught:
            self.reconcile()
        return str(caught.value)

    def key(self, condition: str = "true") -> int:
        """The least key whose newest row in the batches meets the condition."""
        newest = self.rows.groupBy("thing_id").agg(
            fn.max_by("_op", "_batch_id").alias("_op"), fn.max("_batch_id").alias("_batch_id")
        )
        row = newest.where(condition).agg(fn.min("thing_id")).first()
        assert row is not None
        assert row[0] is not None
        return int(row[0])


@pytest.fixture(params=[SCD2, CURRENT], ids=["history", "current"])
def merged(spark: SparkSession, request: pytest.FixtureRequest) -> Iterator[Merged]:
    from glue_scripts import silver, tables
    from glue_scripts.bronze import deduplicate

    contract: TableContract = request.param
    spark.sql(f"CREATE NAMESPACE IF NOT EXISTS glue_catalog.{SILVER}")
    named = silver_tables(contract) | {QUARANTINE: QUARANTINE_COLUMNS}
    wanted = {identifier(SILVER, name): columns for name, columns in named.items()}
    tables.ensure(spark, wanted)
    schema = ", ".join(f"{name} {kind}" for name, kind in bronze_columns(contract).items())
    events = _events(seed=5, keys=40, batches=7)
    landed = spark.createDataFrame([event.row() for event in events], schema).withColumn(
        "_row_hash", fn.expr(row_hash(contract, "spark"))
    )
    rows = deduplicate(contract, landed).cache()
    for part in (f"_batch_id <= '{batch_name(3)}'", f"_batch_id > '{batch_name(3)}'"):
        silver.merge_rows(spark, contract, rows.where(part), SILVER)
    yield Merged(spark, contract, rows.where(f"_batch_id > '{batch_name(3)}'"))
    for table in wanted:
        spark.sql(f"DROP TABLE {table}")


def test_what_was_merged_is_found_again(merged: Merged) -> None:
    outcome = merged.reconcile()
    keys = {row[0] for row in merged.rows.select("thing_id").distinct().collect()}
    assert outcome.is_reconciled
    assert outcome.bronze_keys == len(keys)
    assert outcome.deleted_keys > 0
    assert outcome.silver_keys + outcome.deleted_keys == len(keys)


def _update(assignment: str) -> Callable[[Merged, int], str]:
    return lambda merged, key: (
        f"UPDATE {merged.table} SET {assignment} WHERE thing_id = {key} "
        f"AND _batch_id > '{batch_name(3)}'"
    )


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda m, k: f"DELETE FROM {m.table} WHERE thing_id = {k}", "silver lacks the row of"),
        (_update("note = 'by hand'"), "silver holds other values than were landed of"),
        (_update("_row_hash = 1"), "silver holds other values than were landed of"),
        (_update(f"_batch_id = '{batch_name(4)}'"), "silver holds another version"),
        (_update("thing_id = 1234567"), "silver lacks the row of"),
    ],
)
def test_damage_to_a_living_key_is_named(
    merged: Merged, damage: Callable[[Merged, int], str], said: str
) -> None:
    key = merged.key(f"_op <> 'D' AND _batch_id > '{batch_name(4)}'")
    merged.spark.sql(damage(merged, key))
    message = merged.refused()
    assert f"{merged.contract.table}: batches {batch_name(4)} to {batch_name(7)}: {said}" in message
    assert f'1 key(s): {{"thing_id":{key}}}' in message
    assert f"make repair TABLE={merged.contract.table} " in message


def test_a_row_that_no_batch_brought_is_named(merged: Merged) -> None:
    key = merged.key("_op <> 'D'")
    names = ", ".join(silver_columns(merged.contract))
    values = names.replace("thing_id", "1234567")
    merged.spark.sql(
        f"INSERT INTO {merged.table} SELECT {values} FROM {merged.table} WHERE thing_id = {key} "
        f"AND _batch_id > '{batch_name(3)}'"
    )
    message = merged.refused()
    assert "silver holds rows that these batches have not, of" in message
    assert '{"thing_id":1234567}' in message


def test_a_deleted_key_that_silver_still_holds_is_named(merged: Merged) -> None:
    key = merged.key("_op = 'D'")
    names = list(silver_columns(merged.contract))
    other = merged.key("_op <> 'D'")
    values = ", ".join(
        {"thing_id": str(key), "_batch_id": f"'{batch_name(2)}'"}.get(name, name) for name in names
    )
    current = "AND is_current" if merged.contract is SCD2 else ""
    merged.spark.sql(
        f"INSERT INTO {merged.table} SELECT {values} FROM {merged.table} "
        f"WHERE thing_id = {other} {current}"
    )
    message = merged.refused()
    assert f'{{"thing_id":{key}}}' in message
    said = "silver still holds deleted rows" if merged.contract is CURRENT else "a deleted key has"
    assert said in message


@pytest.mark.parametrize(
    ("assignment", "rule"),
    [
        ("valid_from = valid_to", "valid_to is not after valid_from"),
        ("valid_to = valid_to - interval 1 microsecond", "a gap inside a life"),
        ("valid_to = valid_to + interval 1 microsecond", "two versions overlap"),
        ("is_current = true", "is_current does not agree with valid_to"),
    ],
)
def test_a_broken_invariant_of_history_is_named(merged: Merged, assignment: str, rule: str) -> None:
    if merged.contract is CURRENT:
        return
    keys = ", ".join(str(row[0]) for row in merged.rows.select("thing_id").distinct().collect())
    row = merged.spark.sql(
        f"SELECT thing_id, valid_from FROM {merged.table} WHERE thing_id IN ({keys}) "
        f"AND valid_to IS NOT NULL AND _deleted_batch_id IS NULL "
        f"AND _batch_id <= '{batch_name(3)}' ORDER BY 1, 2"
    ).first()
    assert row is not None
    merged.spark.sql(
        f"UPDATE {merged.table} SET {assignment} "
        f"WHERE thing_id = {row[0]} AND valid_from = timestamp'{row[1]}'"
    )
    message = merged.refused()
    assert rule in message
    assert f'{{"thing_id":{row[0]}}}' in message


def test_held_back_rows_must_have_their_entry(merged: Merged) -> None:
    rows, key = merged.rows, merged.key("_op <> 'D'")
    bad = rows.where(f"thing_id = {key}").orderBy(fn.desc("_batch_id")).limit(1)
    with pytest.raises(ReconciliationError, match="rows held back, silver's quarantine has 0"):
        merged.reconcile(bad)
    ((number,),) = [(r["_batch_id"],) for r in bad.collect()]
    batches = [_batch(n, deletes=1, quarantined=int(n == 7)) for n in range(4, 8)]
    with pytest.raises(ReconciliationError, match=f"batch {batch_name(7)} has 1 rows held back"):
        merged.reconcile(None, batches)
    entry = f"'{merged.contract.table}', '{batch_name(7)}', " + "'{\"thing_id\":4711}', "
    entry += "'{}', 'rule', now(), NULL"
    merged.spark.sql(f"INSERT INTO {identifier(SILVER, QUARANTINE)} VALUES ({entry})")
    outcome = merged.reconcile(None, batches)
    assert outcome.quarantined_keys == 1
    assert number <= batch_name(7)


def test_a_first_load_is_compared_by_count_and_content_alone(merged: Merged) -> None:
    from glue_scripts import silver

    spark, contract = merged.spark, merged.contract
    spark.sql(f"DELETE FROM {merged.table}")
    loaded = merged.rows.where("_op <> 'D'").dropDuplicates(["thing_id"])
    loaded = loaded.withColumns({"_batch_id": fn.lit(batch_name(1)), "_op": fn.lit("I")}).cache()
    silver.merge_rows(spark, contract, loaded, SILVER)
    rows, total = loaded.agg(fn.count("*"), fn.expr(content("_row_hash", "spark"))).first() or ()
    whole = Merged(spark, contract, loaded)
    load = [_batch(1, Kind.LOAD, rows=rows, content=int(total), source_rows=rows)]
    outcome = whole.reconcile(batches=load)
    assert (outcome.source_rows, outcome.bronze_keys, outcome.silver_keys) == (rows, rows, rows)
    key = loaded.agg(fn.min("thing_id")).first()
    assert key is not None
    # as a reader would that takes the wrong bytes: the row still carries its own hash
    spark.sql(f"UPDATE {merged.table} SET note = 'misread' WHERE thing_id = {key[0]}")
    with pytest.raises(
        ReconciliationError, match=f'other values .* 1 key.* {{"thing_id":{key[0]}}}'
    ):
        whole.reconcile(batches=load)
    spark.sql(f"DELETE FROM {merged.table} WHERE thing_id = {key[0]}")
    with pytest.raises(ReconciliationError, match=f'lacks .* 1 key.* {{"thing_id":{key[0]}}}'):
        whole.reconcile(batches=load)


def test_the_odd_one_among_totals_is_named() -> None:
    from glue_scripts.totals import odd_ones

    right = {"a": 3, "b": 3, "c": 3}
    assert odd_ones(right, 3, "orders") == []
    assert odd_ones(right | {"d": 4}, None, "orders") == ["d has 4 orders, the others have 3"]
    assert odd_ones({"a": 4, "b": 3}, 3, "orders") == ["a has 4 orders, silver has 3"]
    money = {"a": Decimal("1.00"), "b": Decimal("2.00")}
    assert odd_ones(money, None, "revenue") == ["revenue disagree: a 1.00, b 2.00"]
