"""What an invocation tells the live views: bounds of what waits, and columns that were added."""

from dataclasses import replace

import pytest

from lakehouse.contract import TableContract, load_contracts
from lakehouse.errors import ConfigurationError
from lakehouse.ledger import Batch, File, Kind, State, Watermark
from lakehouse.live import live_query, live_view_name, live_views
from lambdas.ingest.horizon import Horizon
from lambdas.ingest.models import LiveView
from lambdas.ingest.result import outcome

CONTRACT = load_contracts()["fact_sales"]
AT = "2026-05-01T10:00:00.000001Z"
MERGED = Watermark("fact_sales", "updated_at", batch_id=9, merged_batch_id=4)


def batch(number: int, day: int, run_id: str = "run", **changes: object) -> Batch:
    made = Batch(
        source_table="fact_sales", batch_id=number, kind=Kind.DELTA, window_from=None,
        after_key=None, window_to=AT, upto_key=None, horizon=AT, truncated_at=None,
        opened_at=f"2026-05-{day:02d}T10:00:00.000001Z", run_id=run_id, owner="me",
        state=State.COMMITTED, committed_at=AT, rows=3, files=(File("k", 3, 10),),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def told(watermark: Watermark, *known: Batch, contract: TableContract = CONTRACT) -> LiveView:
    return outcome(contract, watermark, None, known, Horizon(AT, AT, 0.0, None, 1)).live


def test_bounds_hold_exactly_the_committed_batches_that_wait() -> None:
    open_one = batch(9, 7, state=State.OPEN)
    held_back = batch(8, 6, files=(), rows=0, quarantined=1, quarantine_files=(File("q", 1, 9),))
    # the source's clock went back between 5 and 6
    live = told(MERGED, batch(3, 1), batch(5, 4), batch(6, 3), batch(7, 5), held_back, open_one)
    assert live.waiting == {
        "<after_batch>": "000000000004",
        "<upto_batch>": "000000000007",
        "<first_day>": "2026-05-03",
        "<last_day>": "2026-05-05",
        "<added_in_silver>": "",
        "<added_in_bronze>": "",
    }
    assert live.settled == {"<added_in_silver>": ""}


def test_the_run_of_the_newest_batch_is_named() -> None:
    assert told(MERGED, batch(5, 1, "earlier"), batch(6, 1, "later")).run_id == "later"
    assert told(MERGED).run_id is None


@pytest.mark.parametrize(
    ("watermark", "known"),
    [
        (MERGED, []),
        (MERGED, [batch(4, 1)]),
        (MERGED, [batch(5, 1, state=State.EXTRACTED)]),
        (replace(MERGED, merged_batch_id=0), [batch(1, 1)]),  # silver has no table yet
    ],
)
def test_nothing_waits(watermark: Watermark, known: list[Batch]) -> None:
    assert told(watermark, *known).waiting is None


def test_an_added_column_is_null_in_silver_until_a_merge_brought_it() -> None:
    added = {"note": "text", "seen_at": "timestamptz"}
    contract = CONTRACT.with_columns(added)
    watermark = replace(MERGED, added_columns=added)
    cast = 'CAST("seen_at" AS timestamp(3)) AS "seen_at"'
    before = told(watermark, batch(5, 1), contract=contract)
    assert before.waiting is not None
    assert before.waiting["<added_in_bronze>"] == f', "note", {cast}'
    assert before.waiting["<added_in_silver>"] == (
        ', CAST(NULL AS varchar) AS "note", CAST(NULL AS timestamp(3)) AS "seen_at"'
    )
    assert before.settled == {"<added_in_silver>": f', "note", {cast}'}
    merged = replace(watermark, merged_columns=("sale_id", "note"))
    after = told(merged, batch(5, 1), contract=contract)
    assert after.waiting is not None
    assert after.waiting["<added_in_silver>"].startswith(', "note", CAST(NULL AS timestamp(3))')


def test_a_view_follows_from_its_contract_alone() -> None:
    contract = TableContract(
        table="parts",
        key=("plant", "part"),
        cursor="changed_xid",
        changed_at="at",
        columns={
            "plant": "integer", "part": "text", "changed_xid": "xid8", "at": "timestamptz",
            "days": "timestamp[]", "weight": "real",
        },
    )  # fmt: skip
    sql = live_query(contract, "b", "s")
    assert 'b."plant" = s."plant" AND b."part" = s."part"' in sql
    assert 'PARTITION BY "plant", "part"' in sql
    assert 'CAST("days" AS array(timestamp(3))) AS "days"' in sql
    assert '"_op" = \'D\', "changed_xid" DESC' in sql
    assert sql.count("is_current") == 0
    users = live_query(load_contracts()["dim_users"], "b", "s")
    assert 'WHERE s."is_current"' in users


def test_names() -> None:
    names = [live_view_name(table) for table in ("fact_sales", "dim_users", "parts")]
    assert names == ["v_live_sales", "v_live_users", "v_live_parts"]
    both = {"dim_sales": replace(CONTRACT, table="dim_sales"), "fact_sales": CONTRACT}
    with pytest.raises(ConfigurationError, match="would be 'v_live_sales', as that of 'fact_sales"):
        live_views(both, "b", "s", "g")
