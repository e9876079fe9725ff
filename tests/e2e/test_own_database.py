"""A database that nobody made for this project, by the guide: from its DSN to figures of one's own.

What the guide says is typed; of what it writes nothing is edited.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pg8000.native
import pytest

from local.engines.postgres import PostgresEngine
from local.screenshot import browser, open_dashboard
from tests.e2e.account import ROOT, Deployment
from tests.e2e.conftest import free_port, own_environment
from tests.samples import SAMPLES, SCHEMAS, Writer

NAME, USER, PASSWORD = "media_store", "owner", "secret-of-the-test"
GUIDE = (ROOT / "docs" / "your-own-postgresql.md").read_text()
BY_GENRE = """
SELECT date_trunc('month', i."InvoiceDate")::date, g."Name", sum(l."UnitPrice" * l."Quantity")
FROM "InvoiceLine" l
JOIN "Invoice" i USING ("InvoiceId")
JOIN "Track" t USING ("TrackId")
JOIN "Genre" g USING ("GenreId")
GROUP BY 1, 2
"""
BY_COUNTRY = """-- Customers by country.
-- name: customers_by_country
-- grain: country
-- refresh: read
SELECT country, count(*) AS customers FROM ${silver}.customer WHERE is_current GROUP BY country
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of a running server with the sample in it."""
    port = free_port()
    server = PostgresEngine(tmp_path_factory.mktemp("pg"), port, "none", USER, PASSWORD)
    server.start()
    server.query(f"CREATE DATABASE {NAME} OWNER {USER}")
    dsn = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/{NAME}"
    connection = connect(dsn)
    SAMPLES[NAME](connection)
    connection.close()
    yield dsn
    server.destroy()


@pytest.fixture(scope="module")
def own(source: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The app over that database, with gold of its own, after its first run."""
    home = Path(tempfile.mkdtemp(prefix="lh-", dir="/tmp"))
    folder = tmp_path_factory.mktemp("contracts")
    running = Deployment(home, own_environment(home))
    try:
        running.make("contracts", f"DSN={source}", f"OUT={folder}")
        assert "ERROR" not in running.make("prepare-source", f"DSN={source}").stdout
        told = running.make("doctor", f"DSN={source}", f"CONTRACTS={folder}").stdout
        assert ", 0 FAIL" in told
        assert "first load of 11 tables" in told
        (sql,) = re.findall(r"```sql\n(.*?)```", GUIDE, flags=re.DOTALL)
        (folder / "genre_revenue.sql").write_text(sql)
        (folder / "customers_by_country.sql").write_text(BY_COUNTRY)
        running.make("up", f"SOURCE={source}", f"CONTRACTS={folder}", timeout=400)
        running.outputs = json.loads((home / "outputs.json").read_text())
        running.make("run", timeout=400)
        yield running
    finally:
        running.make("down")
        shutil.rmtree(home, ignore_errors=True)


def connect(dsn: str) -> pg8000.native.Connection:
    url = urlsplit(dsn)
    return pg8000.native.Connection(
        USER, password=PASSWORD, host="127.0.0.1", port=url.port or 0, database=NAME
    )


def ask(dsn: str, sql: str) -> list[list[Any]]:
    connection = connect(dsn)
    connection.run(f"SET search_path = {SCHEMAS[NAME]}")
    rows: list[list[Any]] = connection.run(sql)
    connection.close()
    return rows


def compare(own: Deployment, dsn: str) -> None:
    """Figures of one's own and the rows of each table, against the source's own answers."""
    by_genre = own.athena("SELECT * FROM genre_revenue")
    assert {(row["month"], row["genre"]): row["revenue"] for row in by_genre} == {
        (month, genre): revenue for month, genre, revenue in ask(dsn, BY_GENRE)
    }
    by_country = own.athena("SELECT * FROM customers_by_country")
    counted = 'SELECT "Country", count(*) FROM "Customer" GROUP BY 1'
    assert {row["country"]: row["customers"] for row in by_country} == dict(ask(dsn, counted))
    told = own.athena("SELECT source_table, rows, quarantined_keys FROM v_freshness")
    assert len(told) == 11
    for row in told:
        name = "".join(part.capitalize() for part in row["source_table"].split("_"))
        ((rows,),) = ask(dsn, f'SELECT count(*) FROM "{name}"')
        assert row["rows"] + row["quarantined_keys"] == rows, name
    assert own.athena("SELECT * FROM v_reconciliation WHERE NOT is_reconciled") == []


def test_the_first_run_has_it_all(own: Deployment, source: str) -> None:
    compare(own, source)
    assert len(own.athena("SELECT * FROM genre_revenue")) > 100


def test_random_changes_arrive(own: Deployment, source: str) -> None:
    connection = connect(source)
    done = Writer(connection, SCHEMAS[NAME], seed=8).round(60)
    connection.close()
    assert sum(done.values()) >= 30
    own.make("run", timeout=400)
    compare(own, source)


@pytest.mark.browser
def test_the_dashboard_shows_it_and_nothing_of_the_shop(own: Deployment) -> None:
    with browser() as running:
        page = open_dashboard(running, own.outputs["dashboard_url"])
        links = page.get_by_role("navigation").get_by_role("link").all_inner_texts()
        assert [link.split("\n")[-1] for link in links] == ["Your figures", "Data health"]
        shown = page.inner_text("body")
        newest = max(own.athena("SELECT * FROM customers_by_country"), key=lambda r: r["customers"])
        for text in ("Genre revenue", "Customers by country", newest["country"], "invoice_line"):
            assert text in shown, text
        assert page.locator(".vega-embed canvas, .vega-embed svg").count() >= 2
