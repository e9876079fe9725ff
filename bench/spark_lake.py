"""A lake in a folder for benchmarks of silver and gold: of any size, then changed by deltas."""

import os
import random
from pathlib import Path
from typing import Any, Final

from lakehouse.contract import load_contracts
from lakehouse.gold import (
    GOLD,
    QUARANTINE,
    QUARANTINE_COLUMNS,
    identifier,
    silver_tables,
)
from lakehouse.ledger import batch_name
from lakehouse.spark_conf import FILE_BYTES, SMALL
from local.engines.spark_jars import resolve_jars
from local.engines.spark_session import folder_session

ROOT: Final = Path(__file__).parents[1]
BASE: Final = "2026-01-01T00:00:00Z"
OPEN: Final = 20_000
"""Newest sales that still move: a shop's orders are open for days, whatever its history."""
CONTRACTS: Final = load_contracts()
_EACH: Final = 30
"""Seconds between two sales."""

_SALE = f"""
    id AS sale_id, CAST(1 + pmod(id * 7919, {{users}}) AS bigint) AS user_id,
    CAST(1 + pmod(id * 31, 3000) AS bigint) AS product_id, CAST(1 + pmod(id, 5) AS int) AS quantity,
    CAST((100 + pmod(id * 48271, 49900)) / 100 AS decimal(10,2)) AS unit_price,
    CAST((1 + pmod(id, 5)) * (100 + pmod(id * 48271, 49900)) / 100
        AS decimal(12,2)) AS total_amount,
    {{status}} AS status,
    TIMESTAMP '{BASE}' + make_dt_interval(0, 0, 0, id * {_EACH}) AS created_at,
    {{changed}} AS updated_at
"""
_USER = f"""
    id AS user_id, concat('Name ', id) AS name, concat('u', id, '@example.org') AS email,
    concat(id, ' Road') AS address, concat('City ', pmod(id * 7 + {{version}}, 400)) AS city,
    'DE' AS country, TIMESTAMP '{BASE}' AS created_at, {{changed}} AS updated_at
"""
_PRODUCT = f"""
    id AS product_id, concat('Product ', id) AS name, concat('Category ', pmod(id, 20)) AS category,
    CAST(5 + {{version}} AS decimal(10,2)) AS price, TIMESTAMP '{BASE}' AS created_at,
    {{changed}} AS updated_at
"""


def session(directory: Path) -> Any:
    """A Spark session with the job's settings over a catalog in a folder."""
    jars = ROOT / ".local" / "jars"
    resolve_jars(jars)
    return folder_session(
        directory,
        f"{jars}/*",
        {"spark.driver.extraJavaOptions": "-Duser.timezone=UTC", "spark.driver.memory": "3g"},
    )


class Lake:
    """Silver and gold of a shop with `sales` sales, a user for each 50 of them, 3,000 products."""

    def __init__(self, spark: Any, name: str, sales: int) -> None:
        from glue_scripts import tables

        self.spark, self.silver, self.gold = spark, f"{name}_silver", f"{name}_gold"
        self.first, self.sales, self.users = sales, sales, max(sales // 50, 100)
        self.batch, self.draw = 0, random.Random(sales)
        for database in (self.silver, self.gold):
            spark.sql(f"CREATE NAMESPACE glue_catalog.{database}")
        wanted = {identifier(self.silver, QUARANTINE): QUARANTINE_COLUMNS}
        for contract in CONTRACTS.values():
            for table, columns in silver_tables(contract).items():
                wanted[identifier(self.silver, table)] = columns
        tables.ensure(spark, wanted, {identifier(self.gold, t): c for t, c in GOLD.items()})

    def fill(self) -> None:
        """The first load, merged as the job does it."""
        self._expect_many()
        born = f"TIMESTAMP '{BASE}'"
        old = f"CASE WHEN id > {self.sales - OPEN} THEN 'PENDING' ELSE 'DELIVERED' END"
        placed = f"{born} + make_dt_interval(0, 0, 0, id * {_EACH})"
        self.apply(
            {
                "dim_users": self._rows(
                    range_=(1, self.users), text=_USER.format(version=0, changed=born)
                ),
                "dim_products": self._rows(
                    range_=(1, 3000), text=_PRODUCT.format(version=0, changed=born)
                ),
                "fact_sales": self._rows(
                    range_=(1, self.sales),
                    text=_SALE.format(users=self.users, status=old, changed=placed),
                ),
            }
        )

    def delta(self, *, scattered: bool) -> dict[str, Any]:
        """400 new sales, 585 moves of open ones (`scattered`: of any), 10 movers, 5 prices.

        Held, and with the session's settings for few rows, as the job does it.
        """
        from glue_scripts.tables import set_all

        last, new = self.sales, 400
        self.sales += new
        oldest = 1 if scattered else max(last - OPEN, 1)
        moved = self.draw.sample(range(oldest, last + 1), 585)
        now = f"TIMESTAMP '{BASE}' + make_dt_interval(0, 0, 0, {self.sales * _EACH})"
        status = "elt(1 + pmod(id, 3), 'SHIPPED', 'DELIVERED', 'CANCELLED')"
        sale = _SALE.format(users=self.users, status="'PENDING'", changed=now)
        moves = _SALE.format(users=self.users, status=status, changed=now)
        set_all(self.spark, SMALL)
        number = self.batch
        movers = self.draw.sample(range(1, self.users + 1), 10)
        prices = self.draw.sample(range(1, 3001), 5)
        rows = {
            "dim_users": self._rows(keys=movers, text=_USER.format(version=number, changed=now)),
            "dim_products": self._rows(
                keys=prices, text=_PRODUCT.format(version=number, changed=now)
            ),
            "fact_sales": self._rows(range_=(last + 1, last + new), text=sale).unionByName(
                self._rows(keys=moved, text=moves)
            ),
        }
        return {table: frame.localCheckpoint() for table, frame in rows.items()}

    def _rows(
        self, *, text: str, range_: tuple[int, int] | None = None, keys: list[int] | None = None
    ) -> Any:
        if range_:
            ids = self.spark.range(range_[0], range_[1] + 1)
        else:
            listed = ", ".join(f"CAST({key} AS bigint)" for key in keys or [])
            ids = self.spark.sql(f"SELECT explode(array({listed})) AS id")
        return self.spark.sql(
            f"SELECT {text}, 'U' AS _op, '{batch_name(self.batch + 1)}' AS _batch_id, "
            f"TIMESTAMP '{BASE}' AS _ingested_at, id AS _row_hash FROM {{ids}}",
            ids=ids,
        )

    def apply(self, delta: dict[str, Any]) -> None:
        """The job's work between reading bronze and its marks, without the quality rules."""
        from glue_scripts import gold, silver

        self.batch += 1
        for table, rows in delta.items():
            silver.merge_rows(self.spark, CONTRACTS[table], rows, self.silver)
        merged = dict.fromkeys(CONTRACTS, self.batch)
        gold.refresh(self.spark, CONTRACTS, merged, "bench", self.silver, self.gold)

    def _expect_many(self) -> None:
        from glue_scripts.tables import set_all

        as_begun = self.spark.newSession().conf
        set_all(self.spark, {name: as_begun.get(name) for name in SMALL})

    def apply_plainly(self, delta: dict[str, Any]) -> None:
        """The usual way: one MERGE over the whole table of sales, and gold from all rows."""
        from glue_scripts import gold

        self._expect_many()
        self.batch += 1
        delta["fact_sales"].drop("_op").createOrReplaceTempView("plain_rows")
        self.spark.sql(
            f"MERGE INTO {identifier(self.silver, 'fact_sales')} t USING plain_rows s "
            "ON t.sale_id = s.sale_id WHEN MATCHED AND s._batch_id > t._batch_id THEN UPDATE SET * "
            "WHEN NOT MATCHED THEN INSERT *"
        )
        merged = dict.fromkeys(CONTRACTS, self.batch)
        gold.refresh(self.spark, CONTRACTS, merged, "bench", self.silver, self.gold, anew=True)

    def counters(self) -> tuple[float, int, int]:
        """CPU seconds of the Java process, bytes read and written of the lake's files, so far."""
        jvm = self.spark._jvm
        pid = jvm.java.lang.ProcessHandle.current().pid()
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        read = written = 0
        statistics = jvm.org.apache.hadoop.fs.FileSystem.getAllStatistics().iterator()
        while statistics.hasNext():
            one = statistics.next()
            read, written = read + one.getBytesRead(), written + one.getBytesWritten()
        return ticks, read, written

    def read_gold(self) -> None:
        """Every column of every table of gold."""
        for table in GOLD:
            whole = f"SELECT bit_xor(xxhash64(*)) FROM {identifier(self.gold, table)}"
            self.spark.sql(whole).collect()

    def files(self) -> int:
        """Live data files of all tables of silver."""
        return sum(count for count, _ in self._sizes(self._silver_tables()))

    def most_files(self) -> int:
        """The stated maximum of silver: per table, its bytes in full files, doubled, and two."""
        return _most(self._sizes(self._silver_tables()))

    def gold_files(self) -> int:
        """Live data files of all tables of gold."""
        return sum(count for count, _ in self._sizes(self._gold_tables()))

    def most_gold_files(self) -> int:
        """The stated maximum of gold, by the same rule."""
        return _most(self._sizes(self._gold_tables()))

    def _silver_tables(self) -> list[str]:
        return [identifier(self.silver, name) for name in (*CONTRACTS, "fact_sales_status")]

    def _gold_tables(self) -> list[str]:
        return [identifier(self.gold, name) for name in GOLD]

    def _sizes(self, tables: list[str]) -> list[tuple[int, int]]:
        from glue_scripts import snapshots

        return [(snapshots.files(self.spark, t), snapshots.size(self.spark, t)) for t in tables]


def _most(sizes: list[tuple[int, int]]) -> int:
    return sum(2 * (size // FILE_BYTES) + 2 for _, size in sizes)
