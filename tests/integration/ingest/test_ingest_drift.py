"""Columns that change under a running ingest: the cases of tests/cases/drift on a real source.

A case ingests a table with one row, changes the table, and ingests again. `expect.error` are words
of the message; then the other tables go on, and after the `remedy` this one does too.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lakehouse.contract import TableContract
from lakehouse.errors import ContractError
from lakehouse.rowhash import row_hash
from tests.integration.ingest.conftest import SALES, Shop

CASES = sorted((Path(__file__).parents[2] / "cases" / "drift").glob("*.toml"))
SISTER = TableContract(
    table="buyers", key=("sale_id",), cursor="updated_at",
    columns={"sale_id": "bigint", "updated_at": "timestamptz"},
)  # fmt: skip
SISTERS = """
CREATE TABLE buyers (sale_id bigint PRIMARY KEY, updated_at timestamptz NOT NULL);
CREATE INDEX ON buyers (updated_at, sale_id);
CREATE TRIGGER buyers_bury AFTER DELETE ON buyers FOR EACH ROW EXECUTE FUNCTION bury();
CREATE TRIGGER buyers_bury_all AFTER TRUNCATE ON buyers FOR EACH STATEMENT
    EXECUTE FUNCTION bury_all();
INSERT INTO buyers VALUES (1, clock_timestamp())
"""


def contract_of(case: dict[str, Any]) -> TableContract:
    changes = dict(case.get("contract", {}))
    columns = {**SALES.columns, **changes.pop("columns", {})}
    document = {
        "table": "sales", "key": ["sale_id"], "cursor": "updated_at", "columns": columns, **changes
    }  # fmt: skip
    return TableContract.from_mapping(document)


def landed_types(shop: Shop) -> dict[str, set[str]]:
    """The types that each column has in any object."""
    types: dict[str, set[str]] = {}
    for batch in shop.ledger.batches("sales"):
        for file in batch.files:
            path = str(shop.directory / "described.parquet")
            shop.bronze.get(file.key, Path(path))
            for name, kind, *_ in duckdb.sql(f"DESCRIBE FROM read_parquet({path!r})").fetchall():
                types.setdefault(name, set()).add(kind)
    return types


def fitting(shop: Shop) -> list[tuple[Any, ...]]:
    """The source's keys and hashes without the rows that were set aside."""
    aside = {key for (key,) in shop.read("(row_key->>'sale_id')::bigint", "quarantine")}
    hashes = row_hash(shop.contract, "postgres")
    kept = ", ".join(str(key) for key in aside) or "NULL"
    rows = shop.connect().run(
        f"SELECT sale_id, {hashes} FROM (SELECT * FROM sales WHERE (sale_id IN ({kept})) IS NOT"
        " TRUE OFFSET 0) AS sales"
    )
    return sorted(tuple(row) for row in rows or [])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_drift(shop: Shop, wait: Callable[[], None], path: Path) -> None:
    case = tomllib.loads(path.read_text())
    given, expect = case["given"], case["expect"]
    shop.contract = contract_of(case)
    shop.run_script(f"{given.get('before', 'SELECT')};{SISTERS}")
    shop.run_script("INSERT INTO sales VALUES (1, 'a', 1, clock_timestamp())")
    wait()
    shop.ingest()
    shop.run_script(given["change"])
    wait()
    if "error" in expect:
        objects, batches = shop.objects(), shop.ledger.batches("sales")
        with pytest.raises(ContractError) as refused:
            shop.ingest()
        for words in expect["error"]:
            assert words in str(refused.value)
        assert (shop.objects(), shop.ledger.batches("sales")) == (objects, batches)
        mine, shop.contract = shop.contract, SISTER
        assert [result.rows for result in shop.ingest()] == [1]
        shop.contract = mine
        shop.run_script(given["remedy"])
        shop.run_script("INSERT INTO sales (sale_id, amount) VALUES (2, 2)")
        wait()
        shop.ingest()
        assert shop.living() == fitting(shop)
        return
    shop.ingest()
    texts = ", ".join(f"coalesce({n}::varchar, '')" for n in expect["select"].split(", "))
    assert [row[0] for row in shop.read(f"concat_ws('|', {texts})")] == expect["rows"]
    aside = [row[0] for row in shop.read("failed_rules", "quarantine")]
    assert aside == expect.get("aside", [])
    types = landed_types(shop)
    for name, kind in expect.get("types", {}).items():
        assert types[name] == {kind}
    assert not types.keys() & set(expect.get("absent", []))
    assert shop.living() == fitting(shop)
