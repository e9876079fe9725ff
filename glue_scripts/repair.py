"""What `--repair` has the job do before it merges: a table of silver, or gold, is made anew."""

from pyspark.sql import SparkSession

from glue_scripts import tables
from lakehouse.contract import TableContract
from lakehouse.gold import identifier, silver_tables

GOLD_ITSELF = "gold"
"""The name that asks for gold's tables alone."""


def start_over(spark: SparkSession, contract: TableContract, silver: str) -> None:
    """Empties the contract's silver tables, so that this run merges every batch of bronze again.

    The mark goes first: a job that is killed after it merges again, and then finds what is left.
    """
    tables.mark(spark, identifier(silver, contract.table), tables.MERGED, "0")
    for name in reversed(silver_tables(contract)):
        spark.sql(f"DELETE FROM {identifier(silver, name)}")
