"""200 tables in one source, one of 300 columns: each lands, and one that fails stops none.

What a run holds of all of them is one state of Step Functions, which takes 256 KB.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lakehouse import live
from lakehouse.contract import TableContract
from lakehouse.errors import ContractError
from tests.integration.ingest.conftest import SALES, Shop
from tests.pipeline_states import DEFINITION, evaluated

TABLES, COLUMNS, FAILING = 200, 300, "table_077"
PLACES = (
    live.AFTER_BATCH, live.UPTO_BATCH, live.FIRST_DAY, live.LAST_DAY, live.ADDED_IN_SILVER,
    live.ADDED_IN_BRONZE,
)  # fmt: skip
STATE_BYTES, STATEMENT_BYTES = 256 * 1024, 256 * 1024
"""What Step Functions and Athena take."""


def contract_of(number: int) -> TableContract:
    wide = {f"column_{n}": "text" for n in range(COLUMNS - 4)} if number == 0 else {}
    return replace(SALES, table=f"table_{number:03d}", columns={**SALES.columns, **wide})


def ddl(contract: TableContract) -> str:
    more = "".join(f", {name} text" for name in contract.columns if name.startswith("column_"))
    body = "sale_id bigint PRIMARY KEY, buyer text, amount numeric(12,2), updated_at timestamptz"
    table = contract.table
    triggers = f"""
        CREATE TRIGGER gone AFTER DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION bury();
        CREATE TRIGGER emptied AFTER TRUNCATE ON {table} EXECUTE FUNCTION bury_all();"""
    return f"""CREATE TABLE {table} ({body} NOT NULL DEFAULT clock_timestamp(){more});
        CREATE INDEX ON {table} (updated_at);
        INSERT INTO {table} (sale_id, amount) SELECT n, n FROM generate_series(1, 5) AS n;
        {"" if table == FAILING else triggers}"""


def test_200_tables_land_and_their_results_fit_into_one_state(
    shop: Shop, wait: Callable[[], None]
) -> None:
    contracts = {c.table: c for c in map(contract_of, range(TABLES))}
    shop.run_script("".join(map(ddl, contracts.values())))
    wait()
    states = json.loads(DEFINITION.read_text())["States"]
    inner = states["Ingest every table"]["ItemProcessor"]["States"]
    kept: list[dict[str, Any]] = []
    for table, contract in contracts.items():
        shop.contract = contract
        result: dict[str, Any]
        try:
            result = shop.ingest()[-1].model_dump(mode="json")
            assert result["rows"] == 5
        except ContractError as refused:
            caught = {"Error": "ContractError", "Cause": str(refused) * 50}
            [catch] = inner["Ingest a batch"]["Catch"]
            failure = evaluated(catch["Output"]["failure"], states={"errorOutput": caught})
            result = {"table": table, "failure": failure, "pending_rows": 0, "crawl_due": False}
        # as large as it may be: a live view that waits
        if "live" in result:
            bounds = dict.fromkeys(PLACES, "2026-01-01")
            result["live"]["waiting"] = bounds
        kept.append(evaluated(inner["Table is done"]["Output"], states={"input": result}))
    assert len(json.dumps(kept)) < STATE_BYTES
    decided = {
        name: evaluated(expression, states={"input": kept}, millis=0)
        for name, expression in states["Decide what is due"]["Assign"].items()
        if name not in ("pending_minutes",)
    }
    assert len(json.dumps(decided)) < STATE_BYTES
    assert [told.split(":")[0] for told in decided["failures"]] == [FAILING]
    assert decided["pending_rows"] == 5 * (TABLES - 1)
    assert len(decided["to_catalogue"]) == TABLES - 1
    views = live.live_views(contracts, "bronze", "silver", "gold")
    assert max(map(len, views.values())) < STATEMENT_BYTES
