"""The order, product, customer, pricing, stock and payment modules of Medusa, by their migrations.

The packages hold the migrations as JavaScript; Node runs them against a stand-in of their base
class that notes the SQL, and PostgreSQL runs that.
"""

import json
import subprocess
from pathlib import Path

import pg8000.native

from local.toolchain import node_directory
from tests.samples.changes import Writer
from tests.samples.packages import npm

VERSION = "2.21.2"
_MODULES = {
    "customer": "956e1863564a323d829e666ae52315434166384ad022ced103281398201c431d",
    "product": "0d1e3fb47f968931f927c5f8c9c7789f628e6c2964d3edbabeef51f5531bd15d",
    "inventory": "b85f18b5b664541ce3a363c1ead4a9fc3cb2e7f954e0ef372e125be898fd8988",
    "pricing": "fc2873f5de7092beee5c84bdfd006ac74455328325add3d6619227626f2eb2ba",
    "payment": "e295f497d98e8184cf1ffede3a7dca5e70c3237e84b3e09f3ddefe5a0ca36692",
    "order": "0f2699306def7e7c3e81149d8b909e5dc71b312e107327ad7a202ec3adde6223",
}
_ROWS_EACH = 12


def build(connection: pg8000.native.Connection) -> None:
    """Makes the tables in `public`, then fills them, as the packages bring no rows."""
    for module, digest in _MODULES.items():
        package = npm(f"@medusajs/{module}", VERSION, digest)
        for statement in _migrations(package / "dist" / "migrations"):
            connection.run(statement)
    Writer(connection, "public", seed=8).fill(_ROWS_EACH)


def _migrations(directory: Path) -> list[str]:
    result = subprocess.run(
        [node_directory() / "node", Path(__file__).with_name("migrations.js"), directory],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [str(json.loads(line)) for line in result.stdout.splitlines()]
