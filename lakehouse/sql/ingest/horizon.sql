-- The sessions with an open transaction, this one among them, and those that hide theirs. Must run as
-- its own statement, before the one that reads the data: every change of a transaction that is not
-- here is already visible, since a session's entry is cleared only after its commit is. Plain values
-- and no joins for names: a new session pays for each function and table that it looks up.
SELECT
    now(),
    pg_is_in_recovery(),
    pg_has_role('pg_read_all_stats', 'USAGE'),
    current_setting('server_encoding'),
    -- the oldest transaction that still runs, prepared ones included
    ${oldest_xid},
    pid = pg_backend_pid(),
    datid,
    usesysid,
    backend_type,
    application_name,
    state,
    xact_start,
    pid
FROM pg_stat_get_activity(NULL)
WHERE xact_start IS NOT NULL OR state = 'disabled'
