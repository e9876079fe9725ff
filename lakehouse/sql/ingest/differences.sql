-- What the table has and what was held of it, where they differ. All rows that can't be carried come
-- again if one of them is new, since PostgreSQL is asked for all of them.
SELECT
    ${columns},
    CASE WHEN whole._op = '!' THEN '!' WHEN held._is_held THEN 'U' ELSE 'I' END AS _op
FROM read_parquet(${path}) AS whole
LEFT JOIN held ON ${same_key}
WHERE
    held._state IS DISTINCT FROM whole._state
    OR (whole._op = '!' AND (
        SELECT bool_or(held._state IS DISTINCT FROM whole._state)
        FROM read_parquet(${path}) AS whole
        LEFT JOIN held ON ${same_key}
        WHERE whole._op = '!'
    ))
UNION ALL
SELECT ${gone}, 'D' AS _op
FROM held
WHERE NOT EXISTS (SELECT 1 FROM read_parquet(${path}) AS whole WHERE ${same_key})
