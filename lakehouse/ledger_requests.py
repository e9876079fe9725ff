"""Builds every request to the batch ledger: the arguments of one call of a DynamoDB client each.

All take the watermark table's name first. Pure, standard library only.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from lakehouse.ledger import (
    LAST_BATCH,
    PARTITION_KEY,
    SORT_KEY,
    WATERMARK_ITEM,
    Batch,
    State,
    Watermark,
    advanced,
    batch_item,
    batch_name,
)
from lakehouse.ledger_items import encode

Request = dict[str, Any]
_WRITTEN_BY_OTHERS = frozenset(
    {"source_table", "merged_batch_id", "merged_columns", "crawled_signature"}
)


def get_watermark(ledger_table: str, table: str) -> Request:
    """`get_item` of a table's watermark, strongly consistent."""
    return {"TableName": ledger_table, "Key": _item(table, WATERMARK_ITEM), "ConsistentRead": True}


def query_batches(ledger_table: str, table: str, after: int = 0) -> Request:
    """`query` of the batches above id `after`, oldest first, strongly consistent."""
    return {
        "TableName": ledger_table,
        "KeyConditionExpression": "#table = :table AND #item BETWEEN :first AND :last",
        "ExpressionAttributeNames": {"#table": PARTITION_KEY, "#item": SORT_KEY},
        "ExpressionAttributeValues": {
            ":table": {"S": table},
            ":first": {"S": batch_item(after + 1)},
            ":last": {"S": batch_item(LAST_BATCH)},
        },
        "ConsistentRead": True,
    }


def open_batch(ledger_table: str, batch: Batch) -> Request:
    """`put_item` of a new batch; fails its condition when another attempt has opened the id."""
    item = {
        **_item(batch.source_table, batch_item(batch.batch_id)),
        "ingest_date": {"S": batch.ingest_date},
        **{f.name: encode(getattr(batch, f.name)) for f in fields(Batch)},
        "batch_id": {"S": batch.name},
    }
    return {
        "TableName": ledger_table,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(#item) OR #owner = :owner",
        "ExpressionAttributeNames": {"#item": SORT_KEY, "#owner": "owner"},
        "ExpressionAttributeValues": {":owner": {"S": batch.owner}},
    }


def claim_batch(ledger_table: str, batch: Batch, owner: str, run_id: str) -> Request:
    """`update_item` that takes an unfinished batch over from the owner that was read.

    Its end goes with it: an attempt may have been given a smaller range.
    """
    changes = {
        "owner": owner,
        "run_id": run_id,
        "attempts": batch.attempts + 1,
        "window_to": batch.window_to,
        "upto_key": batch.upto_key,
    }
    return _update_batch(ledger_table, batch, changes, expected_owner=batch.owner)


def extracted(ledger_table: str, batch: Batch) -> Request:
    """`update_item` that records a batch's finished objects."""
    names = (
        "rows", "deletes", "quarantined", "content", "source_rows", "source_content", "seconds",
        "files", "quarantine_files", "state_files", "fingerprint",
    )  # fmt: skip
    changes = {"state": State.EXTRACTED.value, **{name: getattr(batch, name) for name in names}}
    return _update_batch(ledger_table, batch, changes, expected_owner=batch.owner)


def void_batch(ledger_table: str, batch: Batch) -> Request:
    """`update_item` that empties a committed batch: its objects are no longer a part of bronze."""
    nothing = dict.fromkeys(("rows", "deletes", "quarantined", "content"), 0)
    changes = {
        **nothing,
        "source_rows": 0,
        "source_content": 0,
        "files": (),
        "quarantine_files": (),
    }
    request = _update(ledger_table, _item(batch.source_table, batch_item(batch.batch_id)), changes)
    request["ExpressionAttributeNames"] |= {"#state": "state"}
    request["ExpressionAttributeValues"] |= {":done": {"S": State.COMMITTED.value}}
    return request | {"ConditionExpression": "#state = :done"}


def commit(ledger_table: str, watermark: Watermark, batch: Batch, at: str) -> Request:
    """`transact_write_items`: the batch committed and the watermark behind it, or neither."""
    changes = {"state": State.COMMITTED.value, "committed_at": at}
    return {
        "TransactItems": [
            {"Update": _update_batch(ledger_table, batch, changes, expected_owner=batch.owner)},
            {"Update": move_watermark(ledger_table, watermark, advanced(watermark, batch, at))},
        ]
    }


def move_watermark(ledger_table: str, before: Watermark, after: Watermark) -> Request:
    """`update_item` from one watermark to the next; fails its condition when `before` is stale."""
    names = [f.name for f in fields(Watermark) if f.name not in _WRITTEN_BY_OTHERS]
    changes = {name: getattr(after, name) for name in names}
    changes |= {"batch_id": batch_name(after.batch_id), "revision": before.revision + 1}
    request = _update(ledger_table, _item(before.source_table, WATERMARK_ITEM), changes)
    if before.revision == 0:
        return request | {"ConditionExpression": "attribute_not_exists(#revision)"}
    request["ExpressionAttributeValues"][":before"] = encode(before.revision)
    return request | {"ConditionExpression": "#revision = :before"}


def mark_merged(
    ledger_table: str, table: str, batch_id: int, columns: tuple[str, ...] = ()
) -> Request:
    """`update_item` of the Glue job: silver holds every batch up to `batch_id`.

    `columns` are those of the source that it has; left as they were where none are given.
    """
    changes: dict[str, object] = {"merged_batch_id": batch_name(batch_id)}
    if columns:
        changes["merged_columns"] = columns
    return _update(ledger_table, _item(table, WATERMARK_ITEM), changes)


def mark_crawled(ledger_table: str, table: str, signature: str) -> Request:
    """`update_item` of the state machine: the catalog shows the state that has this signature."""
    return _update(ledger_table, _item(table, WATERMARK_ITEM), {"crawled_signature": signature})


def _item(table: str, item: str) -> dict[str, Any]:
    return {PARTITION_KEY: {"S": table}, SORT_KEY: {"S": item}}


def _update(ledger_table: str, key: Request, changes: Mapping[str, object]) -> Request:
    return {
        "TableName": ledger_table,
        "Key": key,
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in changes),
        "ExpressionAttributeNames": {f"#{name}": name for name in changes},
        "ExpressionAttributeValues": {f":{name}": encode(value) for name, value in changes.items()},
    }


def _update_batch(
    ledger_table: str, batch: Batch, changes: Mapping[str, object], *, expected_owner: str
) -> Request:
    key = _item(batch.source_table, batch_item(batch.batch_id))
    request = _update(ledger_table, key, changes)
    request["ExpressionAttributeNames"] |= {"#owner": "owner", "#state": "state"}
    request["ExpressionAttributeValues"] |= {
        ":expected": {"S": expected_owner},
        ":done": {"S": State.COMMITTED.value},
    }
    return request | {"ConditionExpression": "#owner = :expected AND #state <> :done"}
