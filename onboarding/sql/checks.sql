-- CHECK constraints of the relations in :oids and of their columns' domains.
SELECT
    k.conrelid::int8,
    k.conname::text,
    pg_get_constraintdef(k.oid),
    ARRAY(
        SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
    ),
    FALSE
FROM pg_constraint AS k
WHERE k.conrelid = ANY (CAST(:oids AS int8[])) AND k.contype = 'c' AND k.convalidated
UNION ALL
SELECT a.attrelid::int8, k.conname::text, pg_get_constraintdef(k.oid), ARRAY[a.attname::text], TRUE
FROM pg_attribute AS a
INNER JOIN pg_constraint AS k ON k.contypid = a.atttypid
WHERE
    a.attrelid = ANY (CAST(:oids AS int8[]))
    AND NOT a.attisdropped AND k.contype = 'c' AND k.convalidated
ORDER BY 1, 2
