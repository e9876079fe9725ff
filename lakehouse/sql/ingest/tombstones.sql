-- Tombstones of the window that are no deletes of single rows: TRUNCATE markers, malformed keys.
SELECT
    ${place},
    count(*) FILTER (WHERE NOT row_key ?& ${key_names})
FROM ${tombstones}
WHERE source_table = ${table} AND ${window}
