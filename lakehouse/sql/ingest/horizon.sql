-- The horizon: every change stamped before it is already visible. Must run as its own statement,
-- before the one that reads the data. A session's entry is cleared only after its commit is visible.
-- A strict cursor's horizon is the oldest transaction that still runs, prepared ones included.
WITH others AS (
    SELECT pid, application_name, state, xact_start
    -- what pg_stat_activity is made of, without its joins for names
    FROM pg_stat_get_activity(NULL)
    WHERE
        datid = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND pid <> pg_backend_pid()
        AND backend_type <> 'autovacuum worker'
        -- ingests of other tables only read
        AND NOT (
            usesysid = to_regrole(quote_ident(current_user))::oid
            AND application_name LIKE 'lakehouse-ingest/%'
        )
),
oldest AS (
    SELECT * FROM others WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 1
)
SELECT
    pg_is_in_recovery(),
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'),
    current_setting('track_activities') = 'on'
    AND NOT EXISTS (SELECT FROM others WHERE state = 'disabled'),
    current_setting('server_encoding') = 'UTF8',
    ${now},
    ${horizon},
    greatest(extract(epoch FROM now() - (SELECT xact_start FROM oldest)), 0)::double precision,
    (SELECT pid FROM oldest),
    (SELECT application_name FROM oldest)
