-- The table's whole and finished indexes: whether each is unique, how many columns are its key, and all
-- of its columns, those of the key first (NULL: an expression). Not part of the catalog's statement:
-- only a poll that reads something needs them.
SELECT
    indisunique,
    indnkeyatts,
    ARRAY(
        SELECT attribute.attname::text
        FROM unnest(indkey) WITH ORDINALITY AS part (number, place)
        LEFT JOIN pg_attribute AS attribute
            ON attribute.attrelid = indrelid AND attribute.attnum = part.number
        ORDER BY part.place
    )
FROM pg_index
WHERE indrelid = to_regclass(${relation})::oid AND indisvalid AND indpred IS NULL
