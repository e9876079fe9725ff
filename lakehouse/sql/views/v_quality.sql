-- The newest outcome of every quality rule of every table, why it failed, and how often it passed.
WITH ranked AS (
    SELECT
        source_table,
        rule,
        outcome,
        failure_reason,
        run_id,
        evaluated_at,
        rank() OVER (PARTITION BY source_table ORDER BY evaluated_at DESC, run_id DESC) AS recency,
        count(*) OVER (PARTITION BY source_table, rule) AS evaluations,
        count(CASE WHEN outcome = 'Passed' THEN 1 END) OVER (PARTITION BY source_table, rule) AS passes
    FROM ${gold}.quality_results
)
SELECT
    source_table,
    rule,
    outcome,
    failure_reason,
    run_id,
    evaluations,
    passes,
    CAST(date_trunc('second', evaluated_at AT TIME ZONE 'UTC') AS timestamp(3)) AS evaluated_at
FROM ranked
WHERE recency = 1
