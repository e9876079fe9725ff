-- Keys with a tombstone beyond the window: a later window delivers what has become of them.
SELECT ${keys} FROM (
    SELECT ${tombstone_keys}
    FROM ${tombstones}
    WHERE source_table = ${table} AND row_key IS NOT NULL AND ${later}
) AS marked
WHERE ${known}
