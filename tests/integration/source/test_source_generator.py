"""The generator on a real PostgreSQL: schema, rows, life cycle, tombstones, concurrency."""

import threading
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pg8000.exceptions
import pg8000.native
import pytest

from lakehouse import roles
from lakehouse.contract import load_contracts
from lakehouse.geography import cities
from lambdas.generator.shop import Written, generate
from tests.integration.source.conftest import MASTER, Connect


@dataclass(frozen=True)
class Amount:
    new_users: int = 30
    new_sales: int = 100
    status_changes: int = 40
    changed_addresses: int = 5
    changed_prices: int = 3
    products: int = 50
    seed: int = 7


@pytest.fixture
def shop(connect: Connect) -> pg8000.native.Connection:
    return connect(roles.GENERATOR)


def test_the_schema_is_what_the_contracts_say(shop: pg8000.native.Connection) -> None:
    assert generate(shop, Amount()).created_schema
    for contract in load_contracts().values():
        found = shop.run(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = to_regclass(:t) AND attnum > 0 ORDER BY attnum",
            t=contract.table,
        )
        assert dict(found) == {n: t.source for n, t in contract.types.items()}


def test_each_invocation_writes_what_was_asked(shop: pg8000.native.Connection) -> None:
    first = generate(shop, Amount())
    assert first.status_changes == 0, "nothing could have moved yet"
    second = generate(shop, Amount())
    assert second == Written(
        created_schema=False,
        new_users=30,
        changed_addresses=5,
        changed_prices=3,
        status_changes=second.status_changes,
        new_sales=100,
    )
    assert 21 <= second.status_changes <= 40
    assert second.rows == 138 + second.status_changes
    third = generate(shop, Amount())
    assert second.status_changes < third.status_changes <= 40, "more orders are open"


def test_rows_are_believable(shop: pg8000.native.Connection) -> None:
    for _ in range(3):
        generate(shop, Amount(new_users=200, new_sales=1000, status_changes=900))
    users = shop.run("SELECT DISTINCT city, country FROM dim_users")
    assert len(users) > 100
    assert all(cities()[city].country == country for city, country in users)
    (row,) = shop.run("""
        SELECT bool_and(email ~ '^[^@ ]+@example\\.(com|org|net)$'),
               count(DISTINCT email) = count(*)
        FROM dim_users
    """)
    assert row == [True, True]
    (row,) = shop.run("""
        SELECT avg((total_amount >= 500)::int), bool_and(total_amount = quantity * unit_price),
               count(DISTINCT status), bool_and(updated_at >= created_at)
        FROM fact_sales
    """)
    assert 0.2 <= row[0] <= 0.3
    assert row[1:] == [True, 4, True]


def test_later_sales_follow_the_price(shop: pg8000.native.Connection) -> None:
    generate(shop, Amount())
    shop.run("UPDATE dim_products SET price = 12.34")
    generate(shop, Amount(changed_prices=0))
    (row,) = shop.run("SELECT count(*), min(unit_price) FROM fact_sales WHERE unit_price = 12.34")
    assert row == [100, Decimal("12.34")]


def test_statuses_only_go_forward(shop: pg8000.native.Connection) -> None:
    generate(shop, Amount())
    shop.run("CREATE TABLE moves (before text, after text)")
    shop.run("""
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO moves VALUES (OLD.status, NEW.status); RETURN NULL; END $$;
        CREATE TRIGGER note AFTER UPDATE OF status ON fact_sales
            FOR EACH ROW EXECUTE FUNCTION note();
    """)
    for _ in range(6):
        generate(shop, Amount(status_changes=150))
    assert {(a, b) for a, b in shop.run("SELECT DISTINCT before, after FROM moves")} == {
        ("PENDING", "SHIPPED"),
        ("PENDING", "CANCELLED"),
        ("SHIPPED", "DELIVERED"),
        ("SHIPPED", "CANCELLED"),
    }


_ROWS = (
    "SELECT user_id, name, email, address, city FROM dim_users ORDER BY 1",
    "SELECT product_id, name, price FROM dim_products ORDER BY 1",
    "SELECT sale_id, user_id, product_id, quantity, status FROM fact_sales ORDER BY 1",
)


def test_a_seed_repeats_the_rows(shop: pg8000.native.Connection) -> None:
    seen: list[list[Any]] = []
    for _ in range(2):
        for _ in range(3):
            generate(shop, Amount())
        seen.append([shop.run(query) for query in _ROWS])
        shop.run("DROP TABLE dim_users, dim_products, fact_sales, lakehouse_tombstones")
    assert seen[0] == seen[1]
    generate(shop, Amount(seed=8))
    assert shop.run(_ROWS[0]) != seen[0][0][:30]


def test_two_at_once_both_succeed(connect: Connect) -> None:
    outcomes: list[Written | Exception] = []
    barrier = threading.Barrier(4)

    def invoke(connection: pg8000.native.Connection) -> None:
        try:
            barrier.wait()
            for _ in range(5):
                outcomes.append(generate(connection, Amount()))
        except Exception as failed:
            outcomes.append(failed)

    connections = [connect(roles.GENERATOR) for _ in range(4)]
    threads = [threading.Thread(target=invoke, args=(c,)) for c in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [o for o in outcomes if not isinstance(o, Written)] == []
    assert sum(o.created_schema for o in outcomes if isinstance(o, Written)) == 1
    assert connections[0].run("SELECT count(*) FROM fact_sales") == [[2000]]
    assert connections[0].run("SELECT count(*) FROM dim_products") == [[50]]


def test_a_thousand_sales_are_quick(shop: pg8000.native.Connection) -> None:
    amount = Amount(new_users=100, new_sales=1000, status_changes=1500, changed_addresses=50)
    generate(shop, amount)
    began = time.monotonic()
    generate(shop, amount)
    assert time.monotonic() - began < 3


def _tombstones(shop: pg8000.native.Connection) -> list[list[Any]]:
    return list(
        shop.run("SELECT source_table, row_key FROM lakehouse_tombstones ORDER BY deleted_at, 2")
    )


def test_deletes_leave_tombstones(shop: pg8000.native.Connection, connect: Connect) -> None:
    generate(shop, Amount())
    shop.run("DELETE FROM fact_sales WHERE sale_id IN (3, 5)")
    # Whoever may delete need not be allowed to write tombstones.
    shop.run(f"GRANT DELETE, SELECT ON dim_users TO {MASTER}")
    connect(MASTER).run("DELETE FROM dim_users WHERE user_id = 9")
    assert _tombstones(shop) == [
        ["fact_sales", {"sale_id": 3}],
        ["fact_sales", {"sale_id": 5}],
        ["dim_users", {"user_id": 9}],
    ]


def test_a_truncate_leaves_a_marker(shop: pg8000.native.Connection) -> None:
    generate(shop, Amount())
    shop.run("TRUNCATE dim_products, fact_sales")
    assert sorted(map(str, _tombstones(shop))) == ["['dim_products', None]", "['fact_sales', None]"]


def test_a_changed_key_leaves_a_tombstone(shop: pg8000.native.Connection) -> None:
    generate(shop, Amount())
    shop.run("UPDATE fact_sales SET sale_id = 100000 WHERE sale_id = 4")
    shop.run("UPDATE fact_sales SET quantity = 1, updated_at = now() WHERE sale_id = 6")
    told = [key["sale_id"] for _, key in _tombstones(shop)]
    assert sorted(told) == [4, 100000]  # the new key too: its stamp is an old one


def test_a_row_stamped_before_its_transaction_leaves_a_mark(
    shop: pg8000.native.Connection,
) -> None:
    generate(shop, Amount())
    shop.run("UPDATE fact_sales SET quantity = 1 WHERE sale_id = 6")
    shop.run("UPDATE fact_sales SET updated_at = clock_timestamp() WHERE sale_id = 7")
    assert _tombstones(shop) == [["fact_sales", {"sale_id": 6}]]


def test_a_rolled_back_delete_leaves_none(shop: pg8000.native.Connection) -> None:
    generate(shop, Amount())
    shop.run("BEGIN")
    shop.run("DELETE FROM fact_sales")
    shop.run("ROLLBACK")
    assert _tombstones(shop) == []


def test_ingest_reads_tombstones_and_can_not_write_them(
    shop: pg8000.native.Connection, connect: Connect
) -> None:
    generate(shop, Amount())
    ingest = connect(roles.INGEST)
    assert ingest.run("SELECT count(*) FROM lakehouse_tombstones") == [[0]]
    with pytest.raises(pg8000.exceptions.DatabaseError, match="permission denied"):
        ingest.run("INSERT INTO lakehouse_tombstones (source_table) VALUES ('fact_sales')")


def test_the_shop_goes_on_without_customers_and_after_gaps(shop: pg8000.native.Connection) -> None:
    generate(shop, Amount())
    shop.run("TRUNCATE dim_users, fact_sales")
    assert generate(shop, replace(Amount(), new_users=0)).new_sales == 0
    shop.run("INSERT INTO dim_users (user_id, city) VALUES (1000000, NULL)")
    written = generate(shop, replace(Amount(), new_users=0))
    assert (written.new_sales, written.changed_addresses) == (100, 1)
