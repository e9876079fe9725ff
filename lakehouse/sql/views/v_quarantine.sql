-- Keys whose newest version is held back, by table and broken rules: each has one open entry.
SELECT
    source_table,
    failed_rules,
    count(*) AS "rows",
    CAST(date_trunc('second', max(quarantined_at) AT TIME ZONE 'UTC') AS timestamp(3)) AS last_seen
FROM ${silver}.quarantine
WHERE superseded_by IS NULL
GROUP BY source_table, failed_rules
