"""The tables of a stage as Athena sees them: Trino's types of every column."""

import re

from lakehouse.contract import load_contracts
from lakehouse.gold import (
    GOLD,
    QUARANTINE,
    QUARANTINE_COLUMNS,
    Columns,
    bronze_columns,
    silver_tables,
)
from lakehouse.settings import Stage

_ICEBERG = {
    "string": "varchar",
    "int": "integer",
    "float": "real",
    "binary": "varbinary",
    "timestamp": "timestamp(6) with time zone",
    "timestamp_ntz": "timestamp(6)",
}
_PARQUET = _ICEBERG | {"timestamp": "timestamp(3)", "timestamp_ntz": "timestamp(3)"}


def _typed(columns: Columns, names: dict[str, str]) -> dict[str, str]:
    def trino(kind: str) -> str:
        words = re.sub(r"[a-z_]+", lambda word: names.get(word[0], word[0]), kind)
        return words.replace("<", "(").replace(">", ")")

    return {name: trino(kind) for name, kind in columns.items()}


def deployed_tables(stage: Stage) -> dict[tuple[str, str], dict[str, str]]:
    """(database, table) to its columns, name to Trino type."""
    bronze, silver, gold = (stage.database(layer) for layer in ("bronze", "silver", "gold"))
    tables = {(gold, name): _typed(columns, _ICEBERG) for name, columns in GOLD.items()}
    tables[silver, QUARANTINE] = _typed(QUARANTINE_COLUMNS, _ICEBERG)
    for contract in load_contracts().values():
        for name, columns in silver_tables(contract).items():
            tables[silver, name] = _typed(columns, _ICEBERG)
        # the crawler gives a partition's folder name the type string
        landed = _typed(bronze_columns(contract), _PARQUET) | {"ingest_date": "varchar"}
        tables[bronze, contract.table] = landed
    return tables
