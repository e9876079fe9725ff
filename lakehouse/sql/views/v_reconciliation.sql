-- The newest comparison of each table: source, bronze, silver and quarantine, and what differs.
WITH ranked AS (
    SELECT
        source_table,
        run_id,
        first_batch_id,
        last_batch_id,
        source_rows,
        bronze_rows,
        bronze_keys,
        silver_keys,
        deleted_keys,
        quarantined_keys,
        is_reconciled,
        detail,
        checked_at,
        rank() OVER (PARTITION BY source_table ORDER BY checked_at DESC, run_id DESC) AS recency
    FROM ${gold}.reconciliation
)
SELECT
    source_table,
    run_id,
    first_batch_id,
    last_batch_id,
    source_rows,
    bronze_rows,
    bronze_keys,
    silver_keys,
    deleted_keys,
    quarantined_keys,
    is_reconciled,
    detail,
    CAST(date_trunc('second', checked_at AT TIME ZONE 'UTC') AS timestamp(3)) AS checked_at
FROM ranked
WHERE recency = 1
