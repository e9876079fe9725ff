"""Sends the ledger's requests by a DynamoDB client and names what goes wrong."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lakehouse import ledger_requests as requests
from lakehouse.errors import LedgerBusyError, LedgerError
from lakehouse.ledger import Batch, State, Watermark, advanced
from lakehouse.ledger_items import read_batch, read_watermark
from lakehouse.ledger_requests import Request

_LOST = frozenset({"ConditionalCheckFailedException", "TransactionConflictException"})
_CANCELLED = "TransactionCanceledException"
_LOST_REASONS = frozenset({"ConditionalCheckFailed", "TransactionConflict"})


@dataclass(frozen=True)
class Ledger:
    """The watermark table `name`, reached by `client` (a boto3 DynamoDB client).

    Every write raises LedgerBusyError (transient) when another attempt was faster, and LedgerError
    with AWS's own words when DynamoDB refuses for any other reason.
    """

    client: Any
    name: str

    def watermark(self, table: str, cursor: str) -> Watermark:
        """The table's watermark; a fresh one, revision 0, where there is none."""
        answer = self._send(table, self.client.get_item, requests.get_watermark(self.name, table))
        item = answer.get("Item", {})
        if "revision" not in item:  # another writer's attribute may stand there alone
            item = item | {"cursor": {"S": cursor}}
        return read_watermark(item | {"source_table": {"S": table}})

    def batches(self, table: str, after: int = 0) -> list[Batch]:
        """The table's batches above id `after`, in order."""
        request = requests.query_batches(self.name, table, after)
        found: list[Batch] = []
        while True:
            answer = self._send(table, self.client.query, request)
            found += [read_batch(item) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return found
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def open(self, batch: Batch) -> None:
        """Opens a batch whose id nobody has opened yet."""
        self._send(
            batch.source_table,
            self.client.put_item,
            requests.open_batch(self.name, batch),
            batch.name,
        )

    def claim(self, batch: Batch, owner: str, run_id: str) -> Batch:
        """Takes over an unfinished batch; its former owner can neither write nor commit it."""
        request = requests.claim_batch(self.name, batch, owner, run_id)
        self._send(batch.source_table, self.client.update_item, request, batch.name)
        return replace(batch, owner=owner, run_id=run_id, attempts=batch.attempts + 1)

    def extracted(self, batch: Batch) -> Batch:
        """Records the batch's finished objects."""
        request = requests.extracted(self.name, batch)
        self._send(batch.source_table, self.client.update_item, request, batch.name)
        return replace(batch, state=State.EXTRACTED)

    def commit(self, watermark: Watermark, batch: Batch, at: str) -> tuple[Watermark, Batch]:
        """Commits the batch and moves the watermark, in one transaction."""
        request = requests.commit(self.name, watermark, batch, at)
        self._send(batch.source_table, self.client.transact_write_items, request, batch.name)
        after = replace(advanced(watermark, batch, at), revision=watermark.revision + 1)
        return after, replace(batch, state=State.COMMITTED, committed_at=at)

    def void(self, batch: Batch) -> None:
        """Empties a committed batch, for an operator who has its range read again."""
        request = requests.void_batch(self.name, batch)
        self._send(batch.source_table, self.client.update_item, request, batch.name)

    def move(self, before: Watermark, after: Watermark) -> Watermark:
        """Moves the watermark over an empty window."""
        request = requests.move_watermark(self.name, before, after)
        self._send(before.source_table, self.client.update_item, request)
        return replace(after, revision=before.revision + 1)

    def mark_merged(self, table: str, batch_id: int, columns: tuple[str, ...] = ()) -> None:
        """Records that silver holds every batch of `table` up to `batch_id`, and has `columns`."""
        request = requests.mark_merged(self.name, table, batch_id, columns)
        self._send(table, self.client.update_item, request)

    def _send(
        self, table: str, call: Callable[..., Any], request: Request, batch: str | None = None
    ) -> dict[str, Any]:
        subject = f"{table} batch {batch}" if batch else f"{table} watermark"
        try:
            answer: dict[str, Any] = call(**request)
            return answer
        except ClientError as refused:
            if _lost_the_race(refused):
                raise LedgerBusyError(
                    f"{subject}: another ingest changed it in the meantime; this one stops, "
                    "nothing is lost, run it again"
                ) from refused
            raise LedgerError(f"{subject} in DynamoDB table {self.name!r}: {refused}") from refused
        except BotoCoreError as broken:
            raise LedgerError(f"{subject} in DynamoDB table {self.name!r}: {broken}") from broken


def _lost_the_race(refused: ClientError) -> bool:
    code = refused.response["Error"]["Code"]
    reasons = {reason.get("Code") for reason in refused.response.get("CancellationReasons", ())}
    return code in _LOST or (code == _CANCELLED and bool(reasons & _LOST_REASONS))
