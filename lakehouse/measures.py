"""Names of the metrics that the product puts itself; a stage's namespace is its own.

Dimensions: `service` on what a Lambda tells, `source_table` on what is about one table.
"""

from typing import Final

SERVICE: Final = "lakehouse"
ROWS_INGESTED: Final = "RowsIngested"
ROWS_QUARANTINED: Final = "RowsQuarantined"
HORIZON_HELD: Final = "HorizonHeld"
"""Seconds by which a transaction holds back what can be read."""
RECONCILIATION_FAILED: Final = "ReconciliationFailed"
"""1 for a table whose layers differ, 0 for one that was compared and agrees; `gold` is one more."""
RUN_DOLLARS: Final = "RunDollars"
"""What a run cost, by its receipt."""
TABLE_DIMENSION: Final = "source_table"
TABLES_APART: Final = 4
"""Of more tables than this, one metric tells of all: an alarm adds up ten metrics at most, and each
costs by the month. Logs and gold's tables tell of each table all the same."""
NAMESPACE_VARIABLE: Final = "POWERTOOLS_METRICS_NAMESPACE"
"""Read by Powertools' Metrics."""
