-- Tombstones of the window that are no deletes of single rows: TRUNCATE markers, malformed keys.
SELECT
    max(CASE WHEN row_key IS NULL THEN ${deleted_at} END),
    count(*) FILTER (WHERE NOT row_key ?& ${key_names})
FROM ${tombstones}
WHERE source_table = ${table} AND ${window}
