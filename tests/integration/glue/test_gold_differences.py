"""Gold kept by differences equals, to the cent, what DuckDB computes from the source's rows."""

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from lakehouse.gold import identifier
from tests.integration.glue import shop_rounds
from tests.integration.glue.gold_lake import CONTRACTS, FIGURES, Lake, computed
from tests.integration.glue.shop_rounds import Shop

_ARROW = {
    "bigint": pa.int64(), "int": pa.int32(), "string": pa.string(), "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"), "decimal(10,2)": pa.decimal128(10, 2),
    "decimal(12,2)": pa.decimal128(12, 2),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_table_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glue_scripts.gold.PAYS_FROM", 0)


def _expected(shop: Shop) -> dict[str, set[tuple[Any, ...]]]:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for table, rows in (("fact_sales", shop.sales), ("dim_products", shop.products)):
        kinds = {n: _ARROW[t.spark] for n, t in CONTRACTS[table].types.items()}
        arrays = {n: pa.array([row[n] for row in rows.values()], kind) for n, kind in kinds.items()}
        connection.register(table, pa.table(arrays))
    homes = list(zip(*shop.homes, strict=True))
    kinds = (pa.int64(), _ARROW["timestamp"], pa.string(), pa.string())
    names = ("user_id", "since", "city", "country")
    arrays = {n: pa.array(v, k) for n, v, k in zip(names, homes, kinds, strict=True)}
    connection.register("homes", pa.table(arrays))
    names_of = [(key, *value) for key, value in shop.sold_names.items()]
    columns = zip(("product_id", "name", "category"), zip(*names_of, strict=True), strict=True)
    connection.register("names", pa.table({n: pa.array(v) for n, v in columns}))

    def ask(sql: str) -> Iterable[Sequence[Any]]:
        columns = connection.execute(sql).to_arrow_table().columns
        return zip(*[column.to_pylist() for column in columns], strict=True)

    return computed(ask)


@pytest.mark.timeout(2400)
def test_ten_rounds_of_everything_equal_the_source(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, shop = Lake(spark, "rounds"), shop_rounds.first_load(seed=5)
    lake.merge(shop.deliver())
    lake.refresh()
    lake.check(_expected(shop))
    for number in range(1, 11):
        shop_rounds.change(shop, number)
        delivered = shop.deliver()
        if number == 3:
            # One table was merged, the others failed; then the job died before that one's mark.
            lake.merge({"dim_users": delivered["dim_users"]})
            lake.refresh()
            lake.batches["dim_users"] -= 1
        lake.merge(delivered)
        if number == 5:
            continue  # killed before gold: the next run has two rounds to catch up with
        if number == 7:
            _is_killed_in_gold(lake, monkeypatch)
        lake.refresh()
        lake.check(_expected(shop), anew=number % 3 == 1)
    assert lake.refresh() == [], "nothing new, nothing written"


def _is_killed_in_gold(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some tables are written, one is not."""
    from glue_scripts import gold

    written = gold.replace_rows

    def killed(frame: Any, table: str, *rest: Any) -> None:
        if table.endswith("order_status"):
            raise KeyboardInterrupt
        written(frame, table, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(gold, "replace_rows", killed)
        with pytest.raises(KeyboardInterrupt):
            lake.refresh()


def test_a_lost_snapshot_or_another_revision_has_gold_computed_anew(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from glue_scripts import gold

    lake, shop = Lake(spark, "lost"), shop_rounds.first_load(seed=6)
    lake.merge(shop.deliver())
    lake.refresh()
    shop_rounds.change(shop, 1)
    lake.merge(shop.deliver())
    sales = identifier(lake.silver, "fact_sales")
    spark.sql(
        f"CALL glue_catalog.system.expire_snapshots(table => '{sales}', "
        "older_than => TIMESTAMP '2999-01-01', retain_last => 1)"
    ).collect()
    with caplog.at_level("INFO", "glue_scripts.gold"):
        lake.refresh()
    assert {f"gold: {name} computed anew" for name in FIGURES} <= set(caplog.messages)
    lake.check(_expected(shop))
    monkeypatch.setattr(gold, "REVISION", 99)
    assert set(lake.refresh()) >= set(FIGURES)


def test_rows_that_gold_never_counted_are_refused(spark: SparkSession) -> None:
    from glue_scripts import measures

    held = spark.createDataFrame([("a", 1)], "name string, orders bigint")
    change = spark.createDataFrame([("a", -2)], "name string, orders bigint")
    with pytest.raises(
        Exception, match=r"gold table t lacks rows .*make repair TABLE=gold computes"
    ):
        measures.add(held, change, ("name",), {"orders": "bigint"}, "orders", "t").collect()
