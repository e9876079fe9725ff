SELECT
    ${times},
    ${tombstone_keys}
FROM ${tombstones}
WHERE source_table = ${table} AND row_key IS NOT NULL AND ${window}
GROUP BY ${key_places}
