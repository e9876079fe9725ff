"""Tables as other people made them: mixed case, composite keys, partitions."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lakehouse.contract import TableContract
from lakehouse.errors import ContractError
from lakehouse.tombstones import of_contracts
from tests.integration.ingest.conftest import Shop

LINES = TableContract(
    table="order",
    schema="Web Shop",
    source_table="Order Lines",
    key=("order", "line_no"),
    cursor="modified",
    columns={
        "order": "bigint",
        "line_no": "text",
        "group": "text",
        "doubled": "numeric(12,2)",
        "modified": "timestamptz",
    },
    source_names={"line_no": 'No "of" line', "group": "GROUP", "modified": "lastModified"},
    left_out=("Secret",),
)
DDL = """
CREATE SCHEMA "Web Shop";
SET search_path = "Web Shop";
CREATE TABLE "Order Lines" (
    "order" bigint, "No ""of"" line" text, "GROUP" text, amount numeric(12,2), "Secret" text,
    doubled numeric(12,2) GENERATED ALWAYS AS (amount * 2) STORED,
    "lastModified" timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY ("order", "No ""of"" line")
) PARTITION BY RANGE ("order");
CREATE TABLE low PARTITION OF "Order Lines" FOR VALUES FROM (0) TO (100);
CREATE TABLE high PARTITION OF "Order Lines" FOR VALUES FROM (100) TO (1000);
CREATE INDEX ON "Order Lines" ("lastModified", "order", "No ""of"" line");
CREATE VIEW "Totals" AS
    SELECT "order", sum(amount) AS amount, max("lastModified") AS modified
    FROM "Order Lines" GROUP BY "order";
"""
ROWS = """
SET search_path = "Web Shop";
INSERT INTO "Order Lines" ("order", "No ""of"" line", "GROUP", amount)
    SELECT n, l, 'a', n FROM generate_series(1, 150) AS n, unnest(ARRAY['1', 'x,"y']) AS l;
"""


@pytest.fixture
def lines(shop: Shop) -> Shop:
    """A partitioned table with names that need quotes, beside the product's own trigger."""
    shop.contract = LINES
    shop.run_script(DDL)
    shop.run_script(of_contracts([LINES]))
    shop.run_script(ROWS)
    return shop


def test_names_and_keys_of_any_sort_are_read(lines: Shop, wait: Callable[[], None]) -> None:
    wait()
    lines.ingest(chunk_rows=97)
    assert len(lines.living()) == 300
    assert lines.living() == lines.truth()
    lines.run_script(
        """SET search_path = "Web Shop";
        DELETE FROM "Order Lines" WHERE "order" IN (7, 120) AND "No ""of"" line" <> '1';
        UPDATE "Order Lines" SET "GROUP" = 'b', amount = 5, "lastModified" = clock_timestamp()
            WHERE "order" BETWEEN 90 AND 110;
        UPDATE "Order Lines" SET "order" = 160, "lastModified" = clock_timestamp()
            WHERE "order" = 60;
        INSERT INTO "Order Lines" ("order", "No ""of"" line") VALUES (7, 'x,"y');"""
    )
    wait()
    lines.ingest()
    assert ("D", 120, 'x,"y', None) in lines.read('_op, "order", line_no, "group"')
    assert lines.living() == lines.truth()  # what went to another partition was deleted in its own


def test_a_partition_that_goes_is_found_by_the_audit(lines: Shop, wait: Callable[[], None]) -> None:
    wait()
    lines.ingest()
    lines.run_script('SET search_path = "Web Shop"; TRUNCATE low')
    watermark = lines.ledger.watermark("order", "modified")
    lines.ledger.move(watermark, replace(watermark, audited_at="2020-01-01T00:00:00.000000Z"))
    wait()
    results = lines.ingest()
    assert sum(result.deletes for result in results) == 198
    assert lines.living() == lines.truth()


def test_a_view_is_refused_by_a_cursor(lines: Shop) -> None:
    columns = {"order": "bigint", "amount": "numeric", "modified": "timestamptz"}
    lines.contract = replace(
        LINES, source_table="Totals", key=("order",), columns=columns, source_names={}, left_out=()
    )
    with pytest.raises(ContractError, match=r'Totals is a view.*set capture = "snapshot"'):
        lines.ingest()


def test_a_new_column_needs_a_name_of_the_lake(lines: Shop) -> None:
    lines.run_script("""ALTER TABLE "Web Shop"."Order Lines" ADD "Remark" text""")
    with pytest.raises(ContractError, match="'Remark' is no lower-case identifier; give it one"):
        lines.ingest()
    lines.contract = replace(LINES, left_out=("Secret", "Remark"))
    assert lines.ingest()
