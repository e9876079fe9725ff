"""Bronze against the ledger, before a batch is merged: the objects, their rows, their content."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn

from glue_scripts.bronze import row_key
from lakehouse.columns import BATCH_ID, OP, ROW_HASH
from lakehouse.contract import TableContract
from lakehouse.errors import ReconciliationError
from lakehouse.ledger import Batch, File
from lakehouse.ledger_client import Ledger
from lakehouse.reconciliation import named, reland
from lakehouse.rowhash import content, row_hash


def check_objects(
    s3: Any, bucket: str, contract: TableContract, batches: Sequence[Batch], ledger: Ledger
) -> None:
    """Compares the days of the batches, as S3 lists them, with what the ledger says was landed.

    Raises ReconciliationError for an object that is gone, that is another one than was uploaded
    (by its entity tag), or that no batch has. Objects above the last batch are an ingest at work.
    """
    table, days = contract.table, sorted({batch.ingest_date for batch in batches})
    found: dict[str, Mapping[str, Any]] = {}
    for layer in ("bronze", "quarantine"):
        for day in days:
            found |= _listed(s3, bucket, f"{layer}/{table}/ingest_date={day}/")
    for batch in batches:
        for file in (*batch.files, *batch.quarantine_files):
            if problem := _problem(file, found.get(file.key)):
                raise ReconciliationError(
                    f"{table}: batch {batch.name}: s3://{bucket}/{file.key} {problem}; "
                    f"{reland(table, batch.batch_id)}"
                )
    landed = {file.key for batch in batches for file in batch.files}
    others = [k for k in found if k.startswith("bronze/") and k not in landed]
    if strange := _strange(others, contract, batches, ledger):
        raise ReconciliationError(
            f"{table}: no batch has landed s3://{bucket}/{strange[0]}"
            f"{f' and {len(strange) - 1} more' if len(strange) > 1 else ''}: whoever reads bronze "
            f"takes it for rows of the source; look where it comes from, then: "
            f"aws s3 rm s3://{bucket}/{strange[0]}"
        )


def _listed(s3: Any, bucket: str, prefix: str) -> dict[str, Mapping[str, Any]]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {entry["Key"]: entry for page in pages for entry in page.get("Contents", ())}


def _problem(file: File, listed: Mapping[str, Any] | None) -> str | None:
    if listed is None:
        return "is gone"
    if listed["Size"] != file.bytes:
        return f"has {listed['Size']} bytes, {file.bytes} were landed"
    if file.etag and listed["ETag"].strip('"') != file.etag:
        return "has other content than was landed"
    return None


def _strange(
    keys: Iterable[str], contract: TableContract, batches: Sequence[Batch], ledger: Ledger
) -> list[str]:
    """The keys that no batch up to the last one has."""
    numbers = {key: key.rpartition("/")[2][:12] for key in keys}
    if not numbers:
        return []
    ids = {key: int(number) for key, number in numbers.items() if number.isdigit()}
    earlier = [number for number in ids.values() if number < batches[0].batch_id]
    known: set[str] = set()
    if earlier:
        asked = ledger.batches(contract.table, min(earlier) - 1)
        known = {file.key for batch in asked for file in batch.files}
    last = batches[-1].batch_id
    return sorted(k for k in numbers if k not in known and (k not in ids or ids[k] <= last))


def counted(contract: TableContract, landed: DataFrame) -> dict[str, tuple[int, int]]:
    """Rows and content of each batch, of what Spark reads.

    The hash is made anew from the columns, but for first loads: there the stored one is summed, as
    the object's entity tag has vouched for its bytes. `contract` without added columns.
    """
    stored = fn.when(fn.col(OP) == "I", fn.col(ROW_HASH))
    anew = stored.otherwise(fn.expr(row_hash(contract, "spark")))
    grouped = landed.select(BATCH_ID, anew.alias("h")).groupBy(BATCH_ID)
    summed = grouped.agg(fn.count(fn.lit(1)), fn.expr(content("h", "spark")))
    return {row[0]: (row[1], int(row[2])) for row in summed.collect()}


def check_rows(
    contract: TableContract,
    batches: Sequence[Batch],
    landed: DataFrame,
    found: Mapping[str, tuple[int, int]],
) -> None:
    """Compares rows and content per batch with the ledger; raises ReconciliationError."""
    for batch in batches:
        rows, total = found.get(batch.name, (0, 0))
        wanted = sum(file.rows for file in batch.files)
        if rows != wanted:
            what = f"{rows} rows in bronze, {wanted} were landed"
        elif batch.source_rows not in (None, batch.rows + batch.quarantined):
            what = (
                f"{batch.rows} rows landed and {batch.quarantined} held back, PostgreSQL counted "
                f"{batch.source_rows}"
            )
        elif total != batch.content:
            what = (
                f"other content in bronze than was landed, in {_altered(contract, batch, landed)}"
            )
        else:
            continue
        raise ReconciliationError(
            f"{contract.table}: batch {batch.name} has {what}; "
            f"{reland(contract.table, batch.batch_id)}"
        )


def _altered(contract: TableContract, batch: Batch, landed: DataFrame) -> str:
    wrong = landed.where(
        (fn.col(BATCH_ID) == batch.name)
        & ~fn.col(ROW_HASH).eqNullSafe(fn.expr(row_hash(contract, "spark")))
    )
    keys = [row[0] for row in wrong.select(row_key(contract)).limit(6).collect()]
    return named(keys, wrong.count()) if keys else "rows that carry their own hash"
