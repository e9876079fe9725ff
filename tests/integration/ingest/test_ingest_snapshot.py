"""Tables without a cursor: read whole, compared, and exact whatever happens in between."""

from dataclasses import replace
from typing import Any

import duckdb
import pytest

from lakehouse.contract import Capture, TableContract
from lakehouse.errors import ContractError, LedgerBusyError
from lakehouse.ledger import EVERYTHING, State
from lakehouse.quality.compiler import compile_rules
from lakehouse.quality.dqdl import parse
from lambdas.ingest import fingerprint
from lambdas.ingest.bronze import Bronze
from tests.integration.ingest.conftest import Shop
from tests.integration.ingest.test_ingest_kill_points import Killed, hooked

FLAGS = TableContract(
    table="flags",
    source_table="Flags",
    key=("country", "flag_no"),
    capture=Capture.SNAPSHOT,
    columns={
        "country": "text",
        "flag_no": "integer",
        "price": "numeric(12,2)",
        "weight": "double precision",
        "tags": "text[]",
    },
    source_names={"flag_no": "flagNo"},
)
DDL = """
CREATE TABLE "Flags" (
    country text, "flagNo" int, price numeric(12,2), weight float8, tags text[]
);
INSERT INTO "Flags"
    SELECT 'land ' || n % 7, n, n * 1.5, n / 3.0, ARRAY['a', NULL, n::text]
    FROM generate_series(1, 20000) AS n;
CREATE MATERIALIZED VIEW dear AS
    SELECT country, max(price) AS price, count(*) AS flags FROM "Flags" GROUP BY country;
"""


@pytest.fixture
def flags(shop: Shop) -> Shop:
    """A table with neither a key nor a time, and a materialised view."""
    shop.contract = FLAGS
    shop.run_script(DDL)
    return shop


def counted(shop: Shop) -> list[tuple[Any, ...]]:
    """Batch, `_op` and rows of all that was landed."""
    found: dict[tuple[int, str], int] = {}
    for batch, op in shop.read("_batch_id::int, _op"):
        found[batch, op] = found.get((batch, op), 0) + 1
    return sorted((*key, rows) for key, rows in found.items())


def test_what_is_new_other_and_gone_is_found(flags: Shop) -> None:
    flags.ingest()
    assert flags.living() == flags.truth()
    assert flags.ingest()[0].batch_id is None  # nothing has changed, so nothing was read
    flags.run_script(
        """INSERT INTO "Flags" VALUES ('new', 1, NULL, '-0', '{}');
        UPDATE "Flags" SET tags = ARRAY['a', '', "flagNo"::text] WHERE "flagNo" <= 3;
        UPDATE "Flags" SET weight = 'NaN' WHERE "flagNo" = 4;
        DELETE FROM "Flags" WHERE "flagNo" BETWEEN 9990 AND 10010;
        UPDATE "Flags" SET country = 'elsewhere' WHERE "flagNo" = 100"""
    )
    flags.ingest()
    assert flags.living() == flags.truth()
    assert counted(flags) == [(1, "I", 20000), (2, "D", 22), (2, "I", 2), (2, "U", 4)]
    flags.run_script("""TRUNCATE "Flags" """)
    flags.ingest()
    assert flags.living() == []
    flags.run_script("""INSERT INTO "Flags" VALUES ('new', 1, 1, 1, '{}')""")
    assert flags.ingest()[0].rows == 1
    assert flags.living() == flags.truth()


def test_a_row_that_can_not_be_carried_is_held_back_once(flags: Shop) -> None:
    rules = compile_rules(FLAGS, parse('Rules = [ ColumnValues "price" >= 0 ]'))
    flags.run_script(
        """UPDATE "Flags" SET price = 'NaN' WHERE "flagNo" = 5;
        UPDATE "Flags" SET price = -1 WHERE "flagNo" = 6"""
    )
    assert flags.ingest(rules=rules)[0].quarantined == 2
    flags.run_script("""UPDATE "Flags" SET price = 7 WHERE "flagNo" = 7""")
    [second] = flags.ingest(rules=rules)
    assert (second.rows, second.quarantined) == (1, 0)
    flags.run_script("""UPDATE "Flags" SET price = 0 WHERE "flagNo" IN (5, 6)""")
    assert flags.ingest(rules=rules)[0].rows == 2
    assert flags.living() == flags.truth()


def test_a_batch_that_is_killed_anywhere_is_read_again(flags: Shop) -> None:
    flags.ingest()
    flags.run_script("""UPDATE "Flags" SET price = 'NaN' WHERE "flagNo" = 400;
        UPDATE "Flags" SET price = 1 WHERE "flagNo" = 401""")
    attempt, writes = hooked(flags, lambda number, when: None)
    attempt.run()
    assert len(writes) == 6  # open, bronze, quarantine, state, extracted, commit
    for price, point in enumerate(
        (number, when) for number in range(1, 7) for when in ("before", "after")
    ):
        flags.run_script(
            f"""UPDATE "Flags" SET price = {price} WHERE "flagNo" BETWEEN 50 AND 60;
            UPDATE "Flags" SET price = 'NaN', weight = {price} WHERE "flagNo" = 400;
            DELETE FROM "Flags" WHERE "flagNo" = {price}"""
        )

        def kill(number: int, when: str, point: tuple[int, str] = point) -> None:
            if (number, when) == point:
                raise Killed

        with pytest.raises(Killed):
            hooked(flags, kill)[0].run()
        flags.run_script(f"""UPDATE "Flags" SET price = 0 WHERE "flagNo" = {price + 100}""")
        flags.ingest()
        flags.ingest()
        assert [row for row in flags.living() if row[1] != 400] == [
            row for row in flags.truth() if row[1] != 400
        ]
    flags.run_script("""UPDATE "Flags" SET price = 1 WHERE "flagNo" = 400""")
    flags.ingest()
    assert flags.living() == flags.truth()


def test_an_attempt_that_lost_its_batch_changes_no_state(
    flags: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags.ingest()
    flags.run_script("""UPDATE "Flags" SET price = 1 WHERE "flagNo" < 50""")
    put = Bronze.put

    def overtaken(self: Bronze, *arguments: Any) -> Any:
        monkeypatch.setattr(Bronze, "put", put)
        flags.attempt().run()
        return put(self, *arguments)

    monkeypatch.setattr(Bronze, "put", overtaken)
    with pytest.raises(LedgerBusyError):
        flags.attempt().run()
    flags.run_script("""DELETE FROM "Flags" WHERE "flagNo" < 10""")
    flags.ingest()
    assert flags.living() == flags.truth()
    assert all(batch.state is State.COMMITTED for batch in flags.ledger.batches("flags"))


def test_a_reload_brings_all_again(flags: Shop) -> None:
    flags.ingest()
    flags.run_script("""DELETE FROM "Flags" WHERE "flagNo" < 10""")
    watermark = flags.ledger.watermark("flags", "")
    flags.ledger.move(watermark, replace(watermark, restart_from=EVERYTHING))
    [again] = flags.ingest()
    assert (again.rows, again.deletes) == (20000, 9)
    assert flags.ingest()[0].batch_id is None
    assert flags.living() == flags.truth()


def test_a_new_column_brings_its_values(flags: Shop) -> None:
    flags.ingest()
    flags.run_script("""ALTER TABLE "Flags" ADD shade text; UPDATE "Flags" SET shade = 'x'
        WHERE "flagNo" = 1""")
    flags.ingest()
    assert flags.read("count(shade)") == [(1,)]
    flags.run_script("""UPDATE "Flags" SET shade = 'y' WHERE "flagNo" = 1""")
    assert flags.ingest()[0].rows == 1


def test_a_view_is_read_by_the_key_that_is_declared(flags: Shop) -> None:
    columns = {"country": "text", "price": "numeric", "flags": "bigint"}
    flags.contract = replace(
        FLAGS, table="dear", source_table="", key=("country",), columns=columns, source_names={}
    )
    flags.ingest()
    flags.run_script("""DELETE FROM "Flags" WHERE country = 'land 3'""")
    assert flags.ingest()[0].batch_id is None
    flags.run_script("REFRESH MATERIALIZED VIEW dear")
    assert flags.ingest()[0].deletes == 1
    assert flags.living() == flags.truth()


@pytest.mark.parametrize(
    ("statement", "telling"),
    [
        ("""INSERT INTO "Flags" VALUES ('land 1', 1)""", r"\(country, flagNo\) is that of another"),
        ("""INSERT INTO "Flags" VALUES ('land 1', NULL)""", "is NULL in 1 rows; name columns"),
    ],
)
def test_a_key_that_is_none_is_refused(flags: Shop, statement: str, telling: str) -> None:
    flags.run_script(statement)
    with pytest.raises(ContractError, match=telling):
        flags.ingest()


def test_a_large_table_is_refused(flags: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "MOST_ROWS", 15_000)
    with pytest.raises(ContractError, match=r"rows of \d+ bytes, too much.*make prepare-source"):
        flags.ingest()


def test_other_sessions_hold_nothing_back(flags: Shop) -> None:
    busy = flags.connect()
    busy.run("BEGIN")
    busy.run("""UPDATE "Flags" SET price = 0 WHERE "flagNo" = 1""")
    flags.ingest()
    assert flags.living() == flags.truth()
    busy.run("COMMIT")
    assert flags.ingest()[0].rows == 1
    assert flags.living() == flags.truth()


WIDE = 300


def test_a_table_of_300_columns_fits(shop: Shop) -> None:
    names = [f"column_{n}" for n in range(WIDE - 1)]
    shop.contract = TableContract(
        table="wide",
        key=("id",),
        capture=Capture.SNAPSHOT,
        columns={"id": "bigint", **dict.fromkeys(names, "text")},
    )
    body = ", ".join(f"{name} text NOT NULL DEFAULT 'x'" for name in names)
    shop.run_script(
        f"CREATE TABLE wide (id bigint PRIMARY KEY, {body});"
        "INSERT INTO wide SELECT generate_series(1, 30000)"
    )
    assert shop.ingest()[-1].rows == 30_000
    [batch] = shop.ledger.batches("wide")
    path = shop.directory / "wide.parquet"
    shop.bronze.get(batch.files[0].key, path)
    groups = duckdb.sql(f"SELECT DISTINCT row_group_num_rows FROM parquet_metadata('{path}')")
    assert max(rows for (rows,) in groups.fetchall()) <= 30_000 / 2, "held in memory until written"
    shop.run_script("UPDATE wide SET column_7 = id WHERE id % 2 = 0; DELETE FROM wide WHERE id = 3")
    shop.ingest()
    assert shop.living() == shop.truth()
