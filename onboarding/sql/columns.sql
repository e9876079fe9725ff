-- Columns of the relations in :oids, in their order.
SELECT
    a.attrelid::int8,
    a.attname::text,
    format_type(a.atttypid, a.atttypmod),
    a.attnotnull OR t.typnotnull,
    t.typtype::text,
    CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE '' END,
    ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
    coalesce(pg_get_expr(d.adbin, d.adrelid), ''),
    a.attgenerated <> '',
    has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
    coalesce(col_description(a.attrelid, a.attnum), '')
FROM pg_attribute AS a
INNER JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY (CAST(:oids AS int8[])) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
