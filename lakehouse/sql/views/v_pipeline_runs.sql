-- Receipts of the runs that did something: what they moved, how long they took, what they cost.
SELECT
    run_id,
    outcome,
    failed_state,
    cause,
    is_merged,
    batches,
    rows_ingested,
    rows_quarantined,
    objects_written,
    bytes_written,
    bytes_scanned,
    glue_seconds,
    freshness_seconds,
    dollars,
    dollars_by_service,
    seconds_by_state,
    tables,
    to_unixtime(ended_at) - to_unixtime(started_at) AS seconds,
    CAST(date_trunc('second', started_at AT TIME ZONE 'UTC') AS timestamp(3)) AS started_at,
    CAST(date_trunc('second', ended_at AT TIME ZONE 'UTC') AS timestamp(3)) AS ended_at
FROM ${gold}.pipeline_runs
