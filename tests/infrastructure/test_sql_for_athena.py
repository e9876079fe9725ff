"""Every statement that Athena is asked passes Trino's own analyzer, over the deployed schemas."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from tests.pipeline_states import Machine

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


@pytest.fixture
def machine(synthesized: Path) -> Machine:
    (template,) = (synthesized / "dev").glob("?rchestration.template.json")
    return Machine(definition(json.loads(template.read_text())))


@pytest.mark.parametrize("name", load_views())
def test_view(analyzer: Analyzer, stage: Stage, gold: str, name: str) -> None:
    statement = create_statement(name, stage.database("silver"), gold)
    assert analyzer.check(statement, origin=f"{VIEWS}/{name}.sql") == ""


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.name)
def test_query_of_the_dashboard(analyzer: Analyzer, gold: str, view: Any) -> None:
    assert analyzer.check(view.sql, gold, "dashboard/views.py") == ""


def _ingested(machine: Machine, waiting: dict[str, str] | None) -> None:
    """Every table but a failing one got `waiting` in this run."""
    settled = {live.ADDED_IN_SILVER: ', CAST("_row_hash" AS varchar) AS "note"' if waiting else ""}
    results: list[dict[str, Any]] = [
        {"table": table, "live": {"run_id": "r", "waiting": waiting, "settled": settled}}
        for table in CONTRACTS
    ]
    machine.ingested("r", [*results, {"table": "broken", "failure": "because"}])


def test_live_views_of_the_state_machine(analyzer: Analyzer, machine: Machine) -> None:
    _ingested(machine, WAITING)
    statements = machine.before_a_merge()
    assert len(statements) == len(CONTRACTS)
    for statement in statements:
        assert not re.search(r"<\w+>", statement)
        assert all(bound in statement for bound in WAITING.values())
        assert analyzer.check(statement, origin="stacks/pipeline.asl.json") == ""


@pytest.mark.parametrize("waiting", [None, WAITING])
def test_all_views_after_a_merge(
    analyzer: Analyzer, machine: Machine, stage: Stage, waiting: dict[str, str] | None
) -> None:
    _ingested(machine, waiting)
    statements = machine.after_a_merge()
    assert len(statements) == len(load_views()) + len(CONTRACTS)
    for statement in statements:
        assert not re.search(r"<\w+>", statement)
        assert stage.database("bronze") not in statement
        assert analyzer.check(statement, origin="stacks/pipeline.asl.json") == ""


def test_an_idle_run_refreshes_nothing(machine: Machine) -> None:
    _ingested(machine, WAITING)
    assert machine.refreshes_without_a_crawl
    machine.variables["run_id"] = "a later run"
    assert not machine.refreshes_without_a_crawl
    assert machine.before_a_merge() == []
    _ingested(machine, None)
    assert not machine.refreshes_without_a_crawl


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
        ("v_quality", "WHERE recency = 1", "WHERE recency = '1'", "line 25:15: Cannot apply"),
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
