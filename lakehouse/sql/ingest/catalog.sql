-- What the source's catalog says of the table, one row per fact. Plain scans by one condition each;
-- the reader filters, joins and sorts: a new session pays for each function, operator and statistic
-- that it looks up.
SELECT
    'column',
    attrelid = to_regclass(${relation}),
    attnum,
    attname::text,
    format_type(atttypid, atttypmod),
    attnotnull,
    attisdropped
FROM pg_attribute
WHERE attrelid IN (to_regclass(${relation}), to_regclass(${tombstones}))
UNION ALL
-- how many columns are its key, the numbers of all, its condition
SELECT 'index', indisvalid, indnkeyatts, indkey::text, indpred::text, indisunique, NULL
FROM pg_index
WHERE indrelid = to_regclass(${relation})
UNION ALL
-- bits of tgtype: ROW 1, BEFORE 2, INSERT 4, DELETE 8, UPDATE 16, TRUNCATE 32
SELECT 'trigger', NULL, tgtype, tgenabled::text, NULL, tgisinternal, NULL
FROM pg_trigger
WHERE tgrelid = to_regclass(${relation})
