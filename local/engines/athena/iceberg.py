"""What an Iceberg metadata file says that a query needs: columns, emptiness, size."""

from dataclasses import dataclass
from typing import Any, Final

from local.engines.athena.errors import refuse
from local.engines.athena.types import Type, decimal, timestamp, timestamptz

_SIMPLE: Final = {
    "boolean": Type("boolean"),
    "int": Type("integer"),
    "long": Type("bigint"),
    "float": Type("real"),
    "double": Type("double"),
    "date": Type("date"),
    "timestamp": timestamp(6),
    "timestamptz": timestamptz(6),
    "string": Type("varchar", 2147483647),
    "binary": Type("varbinary"),
}


@dataclass(frozen=True)
class Snapshot:
    """The current state of an Iceberg table."""

    columns: tuple[tuple[str, Type], ...]
    empty: bool
    """No snapshot yet: there is nothing to scan."""
    bytes: int
    """Sizes of the snapshot's data and delete files."""


def read_metadata(metadata: dict[str, Any]) -> Snapshot:
    """Reads a parsed `metadata.json`, format v1 or v2; raises AthenaError for unknown types."""
    schemas = metadata.get("schemas") or [metadata["schema"]]
    current = metadata.get("current-schema-id", schemas[0].get("schema-id"))
    schema = next((s for s in schemas if s.get("schema-id") == current), schemas[0])
    columns = tuple((f["name"].lower(), iceberg_type(f["type"])) for f in schema["fields"])
    head = metadata.get("current-snapshot-id")
    snapshot = next((s for s in metadata.get("snapshots") or [] if s["snapshot-id"] == head), None)
    summary = (snapshot or {}).get("summary") or {}
    return Snapshot(columns, snapshot is None, int(summary.get("total-files-size", 0)))


def iceberg_type(kind: Any) -> Type:
    """An Iceberg type as Trino's."""
    if isinstance(kind, dict):
        match kind["type"]:
            case "list":
                return Type("array", items=(iceberg_type(kind["element"]),))
            case "map":
                return Type("map", items=(iceberg_type(kind["key"]), iceberg_type(kind["value"])))
            case "struct":
                fields = kind["fields"]
                items = tuple(iceberg_type(f["type"]) for f in fields)
                return Type("row", items=items, fields=tuple(f["name"] for f in fields))
    text = str(kind)
    if text.startswith("decimal("):
        precision, scale = (int(part) for part in text[8:-1].split(","))
        return decimal(precision, scale)
    if text not in _SIMPLE:
        raise refuse(f"the Iceberg type {text!r}")
    return _SIMPLE[text]
