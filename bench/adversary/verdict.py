"""Source and bronze compared row by row: what PostgreSQL holds, and the last version by batch."""

import io
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import pg8000.native
import pyarrow.parquet as pq

from lakehouse.contract import TableContract
from lakehouse.ledger import Batch, State
from lakehouse.ledger_client import Ledger
from lakehouse.rowhash import row_hash
from lambdas.ingest.bronze import Bronze

_NAMED: Final = 20
"""Keys named per fault."""


@dataclass
class Verdict:
    """Faults by kind, each a list of keys; all empty means exact."""

    lost: list[int] = field(default_factory=list)
    """Keys of the source that bronze does not have."""
    stale: list[int] = field(default_factory=list)
    """Keys whose last version in bronze is not the source's."""
    ghost: list[int] = field(default_factory=list)
    """Keys of which bronze has a version that nobody committed."""
    missed_deletes: list[int] = field(default_factory=list)
    """Keys that live in bronze and not in the source."""
    twice: list[int] = field(default_factory=list)
    """Keys with one version in two committed batches, or twice in one."""
    stray: list[str] = field(default_factory=list)
    """Objects that no committed batch lists."""
    rows: int = 0
    versions: int = 0
    batches: int = 0
    retried: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.faults().values())

    def faults(self) -> dict[str, int]:
        """How many of each kind."""
        return {k: len(v) for k, v in asdict(self).items() if isinstance(v, list)}

    def explain(self) -> str:
        """The faults with the first of their keys."""
        told = {k: v[:_NAMED] for k, v in asdict(self).items() if isinstance(v, list) and v}
        return "; ".join(f"{kind}: {keys}" for kind, keys in told.items()) or "exact"


def compare(
    session: pg8000.native.Connection, contract: TableContract, ledger: Ledger, bronze: Bronze
) -> Verdict:
    """Judges bronze when nobody writes and the ingest has nothing more to do."""
    batches = ledger.batches(contract.table)
    verdict = Verdict(batches=len(batches), retried=sum(b.attempts > 1 for b in batches))
    text = f"SELECT sale_id, {row_hash(contract, 'postgres')} FROM {contract.table}"
    truth = dict(map(tuple, session.run(text) or []))
    committed = {number for (number,) in session.run("SELECT number FROM written") or []}
    last: dict[int, tuple[str, str]] = {}
    delivered: set[tuple[int, int]] = set()
    for batch in batches:
        for row in _rows(bronze, batch):
            key, number = row["sale_id"], row["product_id"]
            last[key] = (row["_op"], row["_row_hash"])
            if row["_op"] == "D":
                continue
            verdict.versions += 1
            if number not in committed:
                verdict.ghost.append(key)
            if (key, number) in delivered:
                verdict.twice.append(key)
            delivered.add((key, number))
    living = {key: digest for key, (op, digest) in last.items() if op != "D"}
    verdict.rows = len(truth)
    verdict.lost = sorted(set(truth) - set(living))
    verdict.missed_deletes = sorted(set(living) - set(truth))
    verdict.stale = sorted(k for k in set(truth) & set(living) if truth[k] != living[k])
    verdict.stray = sorted(set(objects(bronze)) - set(listed(batches)))
    return verdict


def listed(batches: list[Batch]) -> list[str]:
    """Keys of all objects that committed batches name."""
    return [
        file.key
        for batch in batches
        if batch.state is State.COMMITTED
        for file in (*batch.files, *batch.quarantine_files)
    ]


def objects(bronze: Bronze) -> list[str]:
    """Keys of all objects in the bucket."""
    pages = bronze.client.get_paginator("list_objects_v2").paginate(Bucket=bronze.bucket)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def _rows(bronze: Bronze, batch: Batch) -> list[dict[str, Any]]:
    wanted = ["sale_id", "product_id", "_op", "_row_hash"]
    rows: list[dict[str, Any]] = []
    for file in batch.files:
        body = bronze.client.get_object(Bucket=bronze.bucket, Key=file.key)["Body"].read()
        rows += pq.read_table(io.BytesIO(body), columns=wanted).to_pylist()
    return rows
