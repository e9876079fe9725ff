-- The relations that may be wanted, of this database and of no extension, partitions left out: their
-- rows are read through their root.
SELECT
    c.oid::int8,
    n.nspname::text,
    c.relname::text,
    c.relkind::text,
    (
        SELECT sum(leaf.reltuples)::int8
        FROM pg_class AS leaf
        WHERE leaf.reltuples >= 0 AND (
            leaf.oid = c.oid
            OR c.relkind = 'p' AND leaf.oid IN (SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf)
        )
    ),
    CASE c.relkind
        WHEN 'p' THEN (SELECT sum(pg_total_relation_size(relid))::int8 FROM pg_partition_tree(c.oid))
        WHEN 'v' THEN 0
        ELSE pg_total_relation_size(c.oid)
    END,
    row_security_active(c.oid),
    has_schema_privilege(n.oid, 'USAGE') AND (
        has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT')
    ),
    to_regclass(quote_ident(n.nspname) || '.lakehouse_tombstones') IS NOT NULL,
    obj_description(c.oid, 'pg_class')
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT c.relispartition
    AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\_%'
    AND c.relname <> 'lakehouse_tombstones'
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e'
    )
ORDER BY n.nspname, c.relname
