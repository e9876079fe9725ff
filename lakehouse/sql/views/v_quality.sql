-- The newest outcome of every quality rule of every table, and why it failed if it did.
WITH ranked AS (
    SELECT
        source_table,
        rule,
        outcome,
        failure_reason,
        run_id,
        evaluated_at,
        rank() OVER (PARTITION BY source_table ORDER BY evaluated_at DESC, run_id DESC) AS recency
    FROM ${gold}.quality_results
)
SELECT
    source_table,
    rule,
    outcome,
    failure_reason,
    run_id,
    CAST(date_trunc('second', evaluated_at AT TIME ZONE 'UTC') AS timestamp(3)) AS evaluated_at
FROM ranked
WHERE recency = 1
