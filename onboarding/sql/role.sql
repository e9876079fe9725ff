-- What the server knows of a role, and which relations it may read.
SELECT
    r.oid IS NOT NULL,
    coalesce(shobj_description(r.oid, 'pg_authid') = 'made by make prepare-source', FALSE),
    coalesce(pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE'), FALSE),
    NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam')
    OR coalesce(
        (
            SELECT TRUE FROM pg_auth_members AS m
            INNER JOIN pg_roles AS iam ON iam.oid = m.roleid
            WHERE iam.rolname = 'rds_iam' AND m.member = r.oid
        ),
        FALSE
    ),
    ARRAY(
        SELECT n.nspname || '.' || c.relname FROM pg_class AS c
        INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE
            r.oid IS NOT NULL AND c.relkind IN ('r', 'p', 'v', 'm')
            AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            AND has_schema_privilege(r.oid, n.oid, 'USAGE')
            AND has_table_privilege(r.oid, c.oid, 'SELECT')
    )
FROM (SELECT 1) AS one
LEFT JOIN pg_roles AS r ON r.rolname = :role
