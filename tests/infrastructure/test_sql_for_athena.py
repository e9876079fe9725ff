"""Every statement that Athena is asked passes Trino's own analyzer, over the deployed schemas."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonata
import pytest

from dashboard.views import ALL
from lakehouse import live
from lakehouse.contract import load_contracts
from lakehouse.settings import Stage, load_stage
from lakehouse.views import create_statement, load_views, select_statement
from local import quarantine, reconcile
from local.engines.trino.analyzer import Analyzer, RefusedError
from tests.infrastructure.deployed_tables import deployed_tables
from tests.infrastructure.templates import definition

ROOT = Path(__file__).parents[2]
VIEWS = "lakehouse/sql/views"
CONTRACTS = load_contracts()
WAITING = {
    live.AFTER_BATCH: "000000000007",
    live.UPTO_BATCH: "000000000009",
    live.FIRST_DAY: "2026-03-01",
    live.LAST_DAY: "2026-03-02",
    live.ADDED_IN_SILVER: ', CAST(NULL AS varchar) AS "note"',
    live.ADDED_IN_BRONZE: ', CAST("_op" AS varchar) AS "note"',
}
"""What the ingest says of a table that has just gained a column."""


@pytest.fixture(scope="module")
def stage() -> Stage:
    return load_stage("dev")


@pytest.fixture(scope="module")
def gold(stage: Stage) -> str:
    return stage.database("gold")


@pytest.fixture(scope="module")
def analyzer(stage: Stage, gold: str) -> Iterator[Analyzer]:
    analyzer = Analyzer(Path(os.environ.get("LAKEHOUSE_TRINO", ROOT / ".local" / "trino")))
    try:
        tables = deployed_tables(stage)
        for schema in sorted({schema for schema, _ in tables}):
            analyzer.add_schema(schema)
        for (schema, name), columns in tables.items():
            analyzer.add_table(schema, name, columns)
        for name in load_views():
            query = select_statement(name, stage.database("silver"), gold)
            analyzer.add_view(gold, name, query)
        yield analyzer
    finally:
        analyzer.close()


@pytest.fixture(scope="module")
def machine(synthesized: Path) -> dict[str, Any]:
    (template,) = (synthesized / "dev").glob("?rchestration.template.json")
    return definition(json.loads(template.read_text()))


@pytest.mark.parametrize("name", load_views())
def test_view(analyzer: Analyzer, stage: Stage, gold: str, name: str) -> None:
    statement = create_statement(name, stage.database("silver"), gold)
    assert analyzer.check(statement, origin=f"{VIEWS}/{name}.sql") == ""


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.name)
def test_query_of_the_dashboard(analyzer: Analyzer, gold: str, view: Any) -> None:
    assert analyzer.check(view.sql, gold, "dashboard/views.py") == ""


def _evaluated(expression: str, **variables: Any) -> Any:
    """What Step Functions makes of `{% … %}`."""
    compiled = jsonata.Jsonata.jsonata(expression.removeprefix("{%").removesuffix("%}").strip())
    for name, value in variables.items():
        compiled.assign(name, value)
    return compiled.evaluate(None)


def _run_with(machine: dict[str, Any], name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A map state of the machine, and the one state inside."""
    state = machine["States"][name]
    (inner,) = state["ItemProcessor"]["States"].values()
    return state, inner


def _variables(machine: dict[str, Any], waiting: dict[str, str] | None) -> dict[str, Any]:
    """The machine's variables after an ingest that brought `waiting` to every table."""
    settled = {live.ADDED_IN_SILVER: ', CAST("_row_hash" AS varchar) AS "note"' if waiting else ""}
    results = [
        {"table": table, "live": {"run_id": "r", "waiting": waiting, "settled": settled}}
        for table in CONTRACTS
    ]
    assigned = machine["States"]["Decide what is due"]["Assign"]
    merge = machine["States"]["Merge into silver and gold"]["Assign"]
    failed = {"table": "broken", "failure": "because"}
    live_views = _evaluated(assigned["live_views"], states={"input": [*results, failed]})
    return {
        "run_id": "r",
        "live_templates": assigned["live_templates"],
        "live_views": live_views,
        "views": merge["views"],
    }


def test_live_views_of_the_state_machine(analyzer: Analyzer, machine: dict[str, Any]) -> None:
    state, inner = _run_with(machine, "Refresh the live views")
    items = _evaluated(state["Items"], **_variables(machine, WAITING))
    assert len(items) == len(CONTRACTS)
    query = inner["Arguments"]["QueryString"]
    for item in items:
        statement = _evaluated(query, states={"input": item})
        assert not re.search(r"<\w+>", statement)
        assert all(bound in statement for bound in WAITING.values())
        assert analyzer.check(statement, origin="stacks/pipeline.asl.json") == ""


def test_all_views_after_a_merge(analyzer: Analyzer, machine: dict[str, Any], stage: Stage) -> None:
    state, inner = _run_with(machine, "Refresh the views")
    assert inner["Arguments"]["QueryString"] == "{% $states.input.statement %}"
    for waiting in (None, WAITING):
        items = _evaluated(state["Items"], **_variables(machine, waiting))
        assert len(items) == len(load_views()) + len(CONTRACTS)
        for item in items:
            assert not re.search(r"<\w+>", item["statement"])
            assert stage.database("bronze") not in item["statement"]
            assert analyzer.check(item["statement"], origin=item["view"]) == ""


def test_an_idle_run_refreshes_nothing(machine: dict[str, Any]) -> None:
    choices = machine["States"]["A new table, column or day?"]["Choices"]
    (condition,) = [c["Condition"] for c in choices if c["Next"] == "Refresh the live views"]
    assert _evaluated(condition, **_variables(machine, WAITING)) is True
    assert _evaluated(condition, **_variables(machine, None)) is False
    earlier = _variables(machine, WAITING) | {"run_id": "another run"}
    assert _evaluated(condition, **earlier) is False


def test_what_the_reconciliation_asks(analyzer: Analyzer, stage: Stage, gold: str) -> None:
    asked: list[str] = []

    def ask(sql: str) -> list[dict[str, Any]]:
        asked.append(sql)
        return []

    silver = stage.database("silver")
    for contract in CONTRACTS.values():
        reconcile._silver(ask, contract, silver)
    quarantine.held_back(ask, silver, None)
    quarantine.held_back(ask, silver, "fact_sales")
    assert len(asked) == 3 * len(CONTRACTS) + 2
    for sql in asked:
        assert analyzer.check(sql, gold, "local") == ""


@pytest.mark.parametrize(
    ("view", "written", "mistaken", "reason"),
    [
        ("v_daily_sales", "units_sold", "units", "line 5:5: Column 'units' cannot be resolved"),
        ("v_quality", "rank()", "rang()", "line 10:9: Function 'rang' not registered"),
        ("v_city_performance", "total_orders,", "total_orders || city,", "line 5:18: "),
        ("v_quarantine", "GROUP BY source_table,", "GROUP BY", "line 3:5: 'source_table' must be"),
        ("v_overview", "FROM totals", "FROM total", "line 33:6: Table 'awsdatacatalog."),
        ("v_quality", "WHERE recency = 1", "WHERE recency = '1'", "line 21:15: Cannot apply"),
        ("v_freshness", "FROM", "FORM", "line 9:6: mismatched input"),
    ],
)
def test_a_planted_mistake_is_refused(
    analyzer: Analyzer, stage: Stage, gold: str, view: str, written: str, mistaken: str, reason: str
) -> None:
    statement = create_statement(view, stage.database("silver"), gold)
    assert written in statement
    with pytest.raises(RefusedError) as refused:
        analyzer.check(statement.replace(written, mistaken, 1), gold, origin=f"{VIEWS}/{view}.sql")
    assert str(refused.value).startswith(f"{VIEWS}/{view}.sql: {reason}")


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("OPTIMIZE daily_sales REWRITE DATA USING BIN_PACK", "OPTIMIZE"),
        (
            "OPTIMIZE daily_sales REWRITE DATA USING BIN_PACK WHERE sale_date > DATE '2026-01-01'",
            "OPTIMIZE",
        ),
        ("VACUUM daily_sales", "VACUUM"),
        ("MSCK REPAIR TABLE daily_sales", "MSCK"),
        ("UNLOAD (SELECT * FROM v_overview) TO 's3://b/p/' WITH (format = 'PARQUET')", "UNLOAD"),
        ("CREATE EXTERNAL TABLE x (a int) LOCATION 's3://b/p/'", "CREATE EXTERNAL TABLE"),
        (
            "CREATE TABLE x WITH (table_type = 'ICEBERG', is_external = false) AS "
            "SELECT sale_date FROM daily_sales",
            "CREATE TABLE AS with properties",
        ),
    ],
)
def test_statements_that_only_athena_knows(
    analyzer: Analyzer, gold: str, statement: str, kind: str
) -> None:
    assert analyzer.check(statement, gold) == kind


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("OPTIMIZE daily_sale REWRITE DATA USING BIN_PACK", "Table 'awsdatacatalog."),
        ("OPTIMIZE daily_sales REWRITE DATA USING BIN_PACK WHERE day > 1", "Column 'day' cannot"),
        ("OPTIMIZE daily_sales", "OPTIMIZE is not written as Athena knows it"),
        ("UNLOAD (SELECT x FROM v_overview) TO 's3://b/p/' WITH (format = 'PARQUET')", "'x' canno"),
        ("CREATE TABLE x WITH (table_type = 'ICEBERG') AS SELECT nope(1) a", "'nope' not regist"),
    ],
)
def test_what_trino_can_judge_of_them_is_judged(
    analyzer: Analyzer, gold: str, statement: str, reason: str
) -> None:
    with pytest.raises(RefusedError, match=re.escape(reason)):
        analyzer.check(statement, gold)
