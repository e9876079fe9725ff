"""What must be true of every history, as queries over the versions alone."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as fn

from lakehouse.columns import DELETED_BATCH_ID, IS_CURRENT, VALID_FROM, VALID_TO
from lakehouse.contract import TableContract


def broken_history(contract: TableContract, versions: DataFrame) -> DataFrame:
    """The versions that contradict themselves or the next of their key: key, valid_from, `fault`.

    Of a sound history nothing is returned: at most one version is current, the last; none ends
    before it begins or after the next begins; within a life the next begins where one ends.
    """
    key = [fn.col(name) for name in contract.key]
    following = fn.lead(VALID_FROM).over(Window.partitionBy(*key).orderBy(VALID_FROM, VALID_TO))
    start, end, after = fn.col(VALID_FROM), fn.col(VALID_TO), fn.col("__following")
    deleted = fn.col(DELETED_BATCH_ID).isNotNull()
    rules: dict[str, Column] = {
        "valid_from is missing": start.isNull(),
        "valid_to is not after valid_from": end <= start,
        "is_current does not agree with valid_to": fn.col(IS_CURRENT) != end.isNull(),
        "a current version was deleted": end.isNull() & deleted,
        "two versions begin at once": after == start,
        "an older version is current": end.isNull() & after.isNotNull(),
        "two versions overlap": end > after,
        "a gap inside a life": (end < after) & ~deleted,
        "it ended without a delete": end.isNotNull() & after.isNull() & ~deleted,
    }
    faults = [fn.when(broken, name) for name, broken in rules.items()]
    return (
        versions.withColumn("__following", following)
        .withColumn("fault", fn.coalesce(*faults))
        .where(fn.col("fault").isNotNull())
        .select(*key, VALID_FROM, "fault")
    )
