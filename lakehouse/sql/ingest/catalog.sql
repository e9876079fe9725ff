-- What the source's catalog says of the table: columns, key, cursor's index, triggers, tombstones.
SELECT
    (
        SELECT jsonb_agg(jsonb_build_array(
            attname, format_type(atttypid, atttypmod), attnotnull
        ) ORDER BY attnum)
        FROM pg_attribute
        WHERE attrelid = source.oid AND attnum > 0 AND NOT attisdropped
    ),
    EXISTS (
        SELECT FROM pg_index AS i
        WHERE
            i.indrelid = source.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
            AND NOT EXISTS (
                SELECT FROM unnest(i.indkey::int2 []) WITH ORDINALITY AS part (number, place)
                LEFT JOIN pg_attribute AS a ON a.attrelid = source.oid AND a.attnum = part.number
                WHERE
                    part.place <= i.indnkeyatts
                    AND (a.attname IS NULL OR part.number = 0 OR a.attname::text <> ALL (${key_names}))
            )
    ),
    EXISTS (
        SELECT FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = source.oid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = source.oid AND i.indisvalid AND i.indpred IS NULL
            AND a.attname = ${cursor_name}
    ),
    coalesce((
        SELECT bit_or(tgtype::int) FROM pg_trigger
        WHERE tgrelid = source.oid AND NOT tgisinternal AND tgenabled IN ('O', 'A')
    ), 0),
    -- a row trigger before INSERT and UPDATE: ROW 1, BEFORE 2, INSERT 4, UPDATE 16
    EXISTS (
        SELECT FROM pg_trigger
        WHERE
            tgrelid = source.oid AND NOT tgisinternal AND tgenabled IN ('O', 'A')
            AND tgtype::int & 23 = 23
    ),
    coalesce((
        SELECT jsonb_agg(attname) FROM pg_attribute
        WHERE attrelid = to_regclass(${tombstones}) AND attnum > 0 AND NOT attisdropped
    ), '[]')
FROM pg_class AS source
WHERE source.oid = to_regclass(${relation})
