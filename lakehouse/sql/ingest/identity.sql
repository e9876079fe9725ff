-- Which source this is, and how far its write-ahead log goes. Any role may ask.
SELECT
    (SELECT system_identifier::text FROM pg_control_system()),
    (SELECT timeline_id FROM pg_control_checkpoint()),
    (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
    to_regclass(${relation})::oid::bigint,
    (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint
