-- What the source's catalog says of the table, one row per fact, all of them `(fact, number, name,
-- type, is_so)`. Plain scans, joined by the reader: a new session pays for each join's planning.
SELECT 'column', attnum::int, attname::text, format_type(atttypid, atttypmod), attnotnull
FROM pg_attribute
WHERE attrelid = to_regclass(${relation}) AND attnum > 0 AND NOT attisdropped
UNION ALL
-- the numbers of its columns, and how many of them are its key
SELECT 'index', indnkeyatts, indkey::text, '', indisunique
FROM pg_index
WHERE indrelid = to_regclass(${relation}) AND indisvalid AND indpred IS NULL
UNION ALL
-- bits of tgtype: ROW 1, BEFORE 2, INSERT 4, DELETE 8, UPDATE 16, TRUNCATE 32
SELECT 'trigger', tgtype, '', '', true
FROM pg_trigger
WHERE tgrelid = to_regclass(${relation}) AND NOT tgisinternal AND tgenabled IN ('O', 'A')
UNION ALL
SELECT 'tombstone', attnum, attname, '', true
FROM pg_attribute
WHERE attrelid = to_regclass(${tombstones}) AND attnum > 0 AND NOT attisdropped
ORDER BY 1, 2
