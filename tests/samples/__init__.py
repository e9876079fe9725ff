"""Databases that nobody made for this project, from public packages, on a real PostgreSQL.

| sample | package | what it brings |
|---|---|---|
| `media_store` | Chinook, `net.hydromatic:chinook-data-hsqldb` (Apache-2.0), with its rows | quoted mixed-case names, a composite key, foreign keys, no time of change anywhere |
| `books` | SchemaCrawler's test database, `us.fatehi:schemacrawler-testdb` (EPL-2.0), with its rows | names with spaces, in Greek and reserved, enums, a domain, composite types, tables without a key, a view, a materialised view |
| `commerce` | six modules of Medusa 2, `@medusajs/*` (MIT): their migrations | 70 tables named `order`, `return` ...; text keys, jsonb, arrays, checks, partial indexes, `updated_at` that the application sets |

Only the packages' files are fetched, once, into `.local/samples`; nothing of them is in this
repository. `python -m tests.samples NAME DSN` builds one in an empty database.
"""  # noqa: E501

from collections.abc import Callable
from typing import Final

import pg8000.native

from tests.samples.books import build as build_books
from tests.samples.changes import Writer
from tests.samples.commerce import build as build_commerce
from tests.samples.media_store import build as build_media_store

SAMPLES: Final[dict[str, Callable[[pg8000.native.Connection], None]]] = {
    "media_store": build_media_store,
    "books": build_books,
    "commerce": build_commerce,
}
SCHEMAS: Final = {"media_store": "chinook", "books": "books", "commerce": "public"}
"""Where each sample's tables are."""

__all__ = ["SAMPLES", "SCHEMAS", "Writer"]
