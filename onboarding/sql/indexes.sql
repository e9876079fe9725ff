-- Whole and finished indexes of the relations in :oids: key columns in order (NULL: an expression).
SELECT
    i.indrelid::int8,
    c.relname::text,
    i.indisunique,
    i.indisprimary,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(i.indkey) WITH ORDINALITY AS part (number, place)
        LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.number
        WHERE part.place <= i.indnkeyatts
        ORDER BY part.place
    )
FROM pg_index AS i
INNER JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY (CAST(:oids AS int8[])) AND i.indisvalid AND i.indpred IS NULL
ORDER BY i.indrelid, c.relname
