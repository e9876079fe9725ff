-- What the source's catalog says of the table, one row per fact. Plain scans by one condition each;
-- the reader filters, joins and sorts: a new session pays for each function, operator and statistic
-- that it looks up. An oid is compared with an oid, since for any other type the server goes through
-- all operators of that name.
SELECT
    'column',
    attrelid = to_regclass(${relation})::oid,
    attnum,
    attname::text,
    format_type(atttypid, atttypmod),
    attnotnull,
    attisdropped
FROM pg_attribute
WHERE attrelid = to_regclass(${relation})::oid OR attrelid = to_regclass(${tombstones})::oid
UNION ALL
-- bits of tgtype: ROW 1, BEFORE 2, INSERT 4, DELETE 8, UPDATE 16, TRUNCATE 32
SELECT 'trigger', NULL, tgtype, tgenabled::text, NULL, tgisinternal, NULL
FROM pg_trigger
WHERE tgrelid = to_regclass(${relation})::oid
UNION ALL
SELECT 'relation', NULL, NULL, relkind::text, NULL, NULL, NULL
FROM pg_class
WHERE oid = to_regclass(${relation})::oid
