-- What must hold of the server, one row.
SELECT
    current_setting('server_version_num')::int,
    current_setting('server_version'),
    pg_is_in_recovery(),
    current_setting('server_encoding'),
    current_setting('track_activities'),
    clock_timestamp(),
    current_user::text,
    current_setting('max_connections')::int,
    (SELECT count(*)::int FROM pg_stat_activity),
    ARRAY(
        SELECT format('%s (%s)', gid, date_trunc('second', now() - prepared))
        FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared
    ),
    ARRAY(
        SELECT format(
            'pid %s (%s), %s', pid, coalesce(nullif(application_name, ''), 'no name'),
            date_trunc('second', now() - xact_start)
        )
        FROM pg_stat_activity
        WHERE
            datname = current_database() AND pid <> pg_backend_pid()
            AND xact_start < now() - INTERVAL '1 minute' AND backend_type = 'client backend'
        ORDER BY xact_start
    )
