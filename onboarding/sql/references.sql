-- Foreign keys of the relations in :oids.
SELECT
    k.conrelid::int8,
    k.conname::text,
    ARRAY(
        SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS part (number, place)
        INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = part.number
        ORDER BY part.place
    ),
    n.nspname::text,
    target.relname::text,
    ARRAY(
        SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS part (number, place)
        INNER JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = part.number
        ORDER BY part.place
    )
FROM pg_constraint AS k
INNER JOIN pg_class AS target ON target.oid = k.confrelid
INNER JOIN pg_namespace AS n ON n.oid = target.relnamespace
WHERE k.conrelid = ANY (CAST(:oids AS int8[])) AND k.contype = 'f' AND k.convalidated
ORDER BY 1, 2
