-- How current each table is: rows now, keys held back by quality rules, newest change, last batch.
SELECT
    source_table,
    "rows",
    quarantined_keys,
    CAST(date_trunc('second', last_change_at AT TIME ZONE 'UTC') AS timestamp(3)) AS last_change_at,
    CAST(date_trunc('second', last_ingested_at AT TIME ZONE 'UTC') AS timestamp(3)) AS last_ingested_at,
    merged_batch_id
FROM ${gold}.table_health
