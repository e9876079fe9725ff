"""The star schema with its tombstone triggers and catalogue, made where it is missing."""

from typing import Final

import pg8000.exceptions
import pg8000.native

from lakehouse import roles, tombstones
from lakehouse.sql.source import statement
from lambdas.generator.catalogue import catalogue

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('lakehouse star schema'))"


def ensure_schema(connection: pg8000.native.Connection, products: int) -> bool:
    """Makes tables, triggers, rights and a catalogue of `products` articles; True if it did.

    All in one transaction, so that nobody sees half of it; two callers at once wait for each other.
    """
    if _is_complete(connection):
        return False
    connection.run("BEGIN")
    try:
        connection.run(_LOCK)
        made = not _is_complete(connection)
        if made:
            # CREATE ... IF NOT EXISTS tells of everything that it finds; nobody needs to know.
            connection.run("SET LOCAL client_min_messages = warning")
            connection.run(tombstones.shop())
            connection.run("SELECT set_config('lakehouse.ingest_role', :r, true)", r=roles.INGEST)
            connection.run(statement("grant_reading"))
            _fill_catalogue(connection, products)
        connection.run("COMMIT")
        return made
    except pg8000.exceptions.DatabaseError:
        connection.run("ROLLBACK")
        raise


def _is_complete(connection: pg8000.native.Connection) -> bool:
    rows = connection.run(statement("is_complete")) or [[False]]
    return bool(rows[0][0])


def _fill_catalogue(connection: pg8000.native.Connection, products: int) -> None:
    if connection.run("SELECT FROM dim_products LIMIT 1"):
        return
    articles = catalogue(products)
    connection.run(
        statement("insert_products"),
        names=[article.name for article in articles],
        categories=[article.category for article in articles],
        prices=[article.price for article in articles],
    )
