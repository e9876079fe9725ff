SELECT
    ${times},
    ${tombstone_keys}
FROM ${tombstones}
WHERE ${since} AND row_key IS NOT NULL
GROUP BY ${key_places}
