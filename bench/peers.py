"""Other ways to get a table into Parquet; runs in the environment of bench/requirements.txt.

python bench/peers.py NAME DSN DIRECTORY
"""

import sys
from pathlib import Path
from urllib.parse import urlsplit

TABLE = "fact_sales"


def dlt_connectorx(dsn: str, directory: Path) -> None:
    """The fastest back end of dlt, straight to Parquet files."""
    _dlt(dsn, directory, "connectorx")


def dlt_pyarrow(dsn: str, directory: Path) -> None:
    """The pyarrow back end of dlt."""
    _dlt(dsn, directory, "pyarrow")


def _dlt(dsn: str, directory: Path, backend: str) -> None:
    import dlt
    from dlt.sources.sql_database import sql_table

    pipeline = dlt.pipeline(
        "bench", pipelines_dir=str(directory / "state"), dataset_name="bench",
        destination=dlt.destinations.filesystem(bucket_url=str(directory / "out")),
    )  # fmt: skip
    table = sql_table(dsn, table=TABLE, backend=backend, chunk_size=100_000)
    pipeline.run(table, loader_file_format="parquet").raise_on_failed_jobs()


def pg8000_pandas(dsn: str, directory: Path) -> None:
    """What most Lambdas do: fetch all, make a frame, write it."""
    import pandas

    connection = _connection(dsn)
    cursor = connection.cursor()
    cursor.execute(f"SELECT * FROM {TABLE}")
    names = [column[0] for column in cursor.description]
    pandas.DataFrame(cursor.fetchall(), columns=names).to_parquet(directory / "out.parquet")


def awswrangler_read_sql(dsn: str, directory: Path) -> None:
    """AWS SDK for pandas: read_sql_query, then Parquet."""
    import awswrangler

    frame = awswrangler.postgresql.read_sql_query(f"SELECT * FROM {TABLE}", _connection(dsn))
    frame.to_parquet(directory / "out.parquet")


def _connection(dsn: str):
    import pg8000

    parts = urlsplit(dsn)
    return pg8000.connect(
        parts.username, password=parts.password, host=parts.hostname, port=parts.port,
        database=parts.path[1:],
    )  # fmt: skip


PEERS = {
    "dlt connectorx": dlt_connectorx,
    "dlt pyarrow": dlt_pyarrow,
    "pg8000 + pandas": pg8000_pandas,
    "awswrangler": awswrangler_read_sql,
}

if __name__ == "__main__":
    name, dsn, directory = sys.argv[1:]
    PEERS[name](dsn, Path(directory))
