-- Which source this is, and how far its write-ahead log goes. Any role may ask.
SELECT
    control.system_identifier,
    checkpoint.timeline_id,
    to_regclass(${relation})::oid,
    pg_current_wal_insert_lsn()
FROM
    pg_control_system() AS control,
    pg_control_checkpoint() AS checkpoint
