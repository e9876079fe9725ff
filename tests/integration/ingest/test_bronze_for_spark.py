"""Bronze as Spark's vectorized reader takes it: texts beyond its first batch of 4,096 rows."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from lakehouse.contract import TableContract
from lakehouse.ledger import Batch
from lambdas.ingest import extraction
from tests.integration.ingest.conftest import Shop
from tests.integration.ingest.type_readers import run_spark

ROWS = 10_000
DIFFERENT = TableContract(
    table="texts",
    key=("id",),
    cursor="updated_at",
    columns={
        "id": "integer", "name": "text", "token": "uuid", "raw": "bytea", "labels": "text[]",
        "kind": "text", "updated_at": "timestamptz",
    },
)  # fmt: skip
DDL = """
CREATE TABLE texts (
    id integer PRIMARY KEY, name text, token uuid, raw bytea, labels text[], kind text,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER texts_bury AFTER DELETE ON texts FOR EACH ROW EXECUTE FUNCTION bury_all();
CREATE TRIGGER texts_bury_all AFTER TRUNCATE ON texts FOR EACH STATEMENT
    EXECUTE FUNCTION bury_all();
"""
FILL = """
INSERT INTO texts (id, name, token, raw, labels, kind)
SELECT i, repeat('n', i % 13) || i, md5(i::text)::uuid, decode(md5(i::text), 'hex'),
    ARRAY['a' || i, repeat('b', i % 7)], 'kind ' || i % 3
FROM generate_series({}, {}) AS i
"""


@pytest.fixture
def texts(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(extraction, "_of_many_texts", set())
    shop.contract = DIFFERENT
    shop.run_script(DDL)
    return shop


def _file(shop: Shop, batch: Batch) -> str:
    path = str(shop.directory / f"{batch.name}.parquet")
    shop.bronze.get(batch.files[0].key, path)
    return path


def _encodings(path: str) -> set[str]:
    found = duckdb.execute("SELECT DISTINCT encodings FROM parquet_metadata(?)", [path]).fetchall()
    return {name.strip() for (names,) in found for name in names.split(",")}


def test_many_different_texts_arrive_in_spark(
    texts: Shop, wait: Callable[[], None], jars: Path
) -> None:
    texts.run_script(FILL.format(1, ROWS))
    wait()
    texts.ingest()
    assert texts.living() == texts.truth()
    [batch] = texts.ledger.batches("texts")
    rows, _ = run_spark(texts, _file(texts, batch), jars)  # makes each row's hash again
    assert [row["name"] for row in rows] == ["n" * (i % 13) + str(i) for i in range(1, ROWS + 1)]
    assert [row["labels"][0] for row in rows] == [f"a{i}" for i in range(1, ROWS + 1)]


def test_only_such_tables_are_written_plainly_and_later_at_once(
    texts: Shop, wait: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts.run_script(FILL.format(1, ROWS))
    wait()
    texts.ingest()
    rewritten: list[str] = []
    rewrite = extraction.Extraction._rewrite

    def counted(self: extraction.Extraction, chosen: str = "") -> None:
        rewritten.append(self.batch.name)
        rewrite(self, chosen)

    monkeypatch.setattr(extraction.Extraction, "_rewrite", counted)
    texts.run_script(FILL.format(ROWS + 1, 2 * ROWS))
    wait()
    texts.ingest()
    for batch in texts.ledger.batches("texts"):
        assert "DELTA_LENGTH_BYTE_ARRAY" not in _encodings(_file(texts, batch))
    assert rewritten == []
    extraction._of_many_texts.clear()
    texts.run_script(f"UPDATE texts SET name = 'one', token = NULL, raw = NULL, labels = NULL, "
                     f"updated_at = clock_timestamp() WHERE id <= {ROWS}")  # fmt: skip
    wait()
    texts.ingest()
    [*_, last] = texts.ledger.batches("texts")
    assert "DELTA_BINARY_PACKED" in _encodings(_file(texts, last)), "few texts: the compact form"
    assert rewritten == []
