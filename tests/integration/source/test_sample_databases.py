"""The public sample databases are built from their packages and take random changes."""

import pytest

from tests.integration.source.conftest import Source
from tests.samples import SAMPLES, SCHEMAS, Writer


@pytest.mark.parametrize(("name", "tables", "rows"), [
    ("media_store", 11, 15_607), ("books", 11, 100), ("commerce", 60, 500),
])  # fmt: skip
def test_sample_is_built_and_changes(source: Source, name: str, tables: int, rows: int) -> None:
    connection = source.connect()
    try:
        SAMPLES[name](connection)
        found = connection.run(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = :s::regnamespace",
            s=SCHEMAS[name],
        )
        assert len(found) == tables
        counts = [
            connection.run(f'SELECT count(*) FROM {SCHEMAS[name]}."{table}"')[0][0]
            for (table,) in found
        ]
        assert sum(counts) >= rows
        assert name != "commerce" or min(counts) > 0
        done = Writer(connection, SCHEMAS[name], seed=1).round(60)
        assert min(done["insert"], done["update"], done["delete"]) > 0
    finally:
        connection.close()
