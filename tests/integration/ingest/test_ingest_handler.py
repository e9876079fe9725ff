"""The handler, from event to result, and the exact columns of what it leaves in bronze."""

import importlib
from types import SimpleNamespace

import duckdb
import pytest

from lakehouse import tombstones
from lakehouse.contract import load_contracts
from lakehouse.errors import ConfigurationError
from tests.integration.ingest.conftest import Shop

CONTEXT = SimpleNamespace(
    function_name="ingest", memory_limit_in_mb=512, aws_request_id="r", invoked_function_arn="arn"
)


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_an_event_becomes_a_batch_of_the_generators_table(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, wait: object
) -> None:
    variables = {
        "DATABASE_HOST": "db", "DATABASE_PORT": "5432", "DATABASE_NAME": "shop",
        "DATABASE_USER": "lakehouse_ingest", "WATERMARK_TABLE": "watermarks",
        "BRONZE_BUCKET": "bronze", "CHUNK_ROWS": "1000", "CHUNK_SECONDS": "30",
        "CHUNK_MIB": "512", "HORIZON_MARGIN_SECONDS": "0.05",
        "STATEMENT_TIMEOUT_SECONDS": "30", "BRONZE_DATABASE": "b", "SILVER_DATABASE": "s",
        "GOLD_DATABASE": "g",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    module = importlib.import_module("lambdas.ingest.handler")
    monkeypatch.setattr(module, "lambda_source", lambda *_: shop.source())
    monkeypatch.setattr(module, "ledger", shop.ledger)
    monkeypatch.setattr(module, "bronze", shop.bronze)
    shop.contract = load_contracts()["fact_sales"]
    shop.run_script("DROP TABLE lakehouse_tombstones CASCADE")
    shop.run_script(tombstones.shop())
    shop.run_script(
        "INSERT INTO dim_users (name, email, address, city, country, created_at, updated_at)"
        " VALUES ('n', 'e@x', 'a', 'Bern', 'Switzerland', now(), now());"
        "INSERT INTO dim_products (name, category, price, created_at, updated_at)"
        " VALUES ('p', 'c', 5, now(), now());"
        "INSERT INTO fact_sales (user_id, product_id, quantity, unit_price, total_amount, status,"
        " created_at, updated_at) SELECT u.user_id, p.product_id, 2, 5, 10, 'PENDING', now(), now()"
        " FROM dim_users u, dim_products p"
    )
    wait()  # type: ignore[operator]
    result = module.handler({"table": "fact_sales", "run_id": "r1"}, CONTEXT)
    assert (result["batch_id"], result["rows"], result["has_more"]) == ("000000000001", 1, False)
    [batch] = shop.ledger.batches("fact_sales")
    path = str(shop.directory / "one.parquet")
    shop.bronze.get(batch.files[0].key, path)
    columns = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{path}', hive_partitioning=false)")
    assert [row[0] for row in columns.fetchall()] == [
        *shop.contract.columns, "_op", "_batch_id", "_ingested_at", "_row_hash",
    ]  # fmt: skip
    assert shop.living() == shop.truth()
    shop.run_script("DELETE FROM fact_sales")
    wait()  # type: ignore[operator]
    assert module.handler({"table": "fact_sales", "run_id": "r2"}, CONTEXT)["deletes"] == 1
    assert shop.living() == []
    asked = {"table": "fact_sales", "live_view": "settled", "values": {"<added_in_silver>": ", 1"}}
    rendered = module.handler(asked, CONTEXT)["statement"]
    assert rendered.startswith("CREATE OR REPLACE VIEW g.v_live_sales AS")
    assert "updated_at" in rendered
    assert "<" not in rendered
    with pytest.raises(ConfigurationError, match="known: dim_products, dim_users, fact_sales"):
        module.handler({"table": "nothing", "run_id": "r"}, CONTEXT)
    with pytest.raises(ConfigurationError, match="'run_id' is missing"):
        module.handler({"table": "fact_sales"}, CONTEXT)
