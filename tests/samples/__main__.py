"""Builds a sample in an empty database: `python -m tests.samples NAME DSN`."""

import sys
from urllib.parse import unquote, urlsplit

import pg8000.native

from tests.samples import SAMPLES

if __name__ == "__main__":
    name, dsn = sys.argv[1:]
    url = urlsplit(dsn)
    connection = pg8000.native.Connection(
        unquote(url.username or ""),
        password=unquote(url.password or ""),
        host=url.hostname or "localhost",
        port=url.port or 5432,
        database=url.path.lstrip("/"),
    )
    SAMPLES[name](connection)
    connection.close()
