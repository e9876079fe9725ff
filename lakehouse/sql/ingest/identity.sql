-- Which source this is, and how far its write-ahead log goes. Any role may ask. Of activity there is
-- this session alone, which knows its database: cheaper than a look at pg_database.
SELECT
    control.system_identifier,
    checkpoint.timeline_id,
    activity.datid,
    to_regclass(${relation})::oid,
    pg_current_wal_insert_lsn()
FROM
    pg_control_system() AS control,
    pg_control_checkpoint() AS checkpoint,
    pg_stat_get_activity(pg_backend_pid()) AS activity
