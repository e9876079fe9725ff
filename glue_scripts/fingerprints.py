"""Count and content of a table's rows, whatever files and order they lie in."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn


@dataclass(frozen=True)
class Fingerprint:
    """`rows` and the sum of their hashes: equal for equal rows, each as often."""

    rows: int
    content: str

    def __str__(self) -> str:
        return f"{self.rows} rows, content {self.content}"


def fingerprint(frame: DataFrame, leave_out: Sequence[str] = ()) -> Fingerprint:
    """Fingerprint over all columns but those left out; reads the frame once."""
    columns = [fn.col(f"`{name}`") for name in sorted(frame.columns) if name not in leave_out]
    # A hash passes over NULLs: which columns are NULL is a part of it.
    content = fn.xxhash64(*columns, *[column.isNull() for column in columns])
    row = frame.agg(
        fn.count(fn.lit(1)).alias("rows"),
        fn.coalesce(fn.sum(content.cast("decimal(38,0)")), fn.lit(0)).alias("content"),
    ).first()
    assert row is not None
    return Fingerprint(row["rows"], str(row["content"]))
