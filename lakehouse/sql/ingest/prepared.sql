-- Prepared transactions left open. Must run after the horizon: a transaction that leaves
-- pg_stat_activity by PREPARE is already listed here. Their true start is not recorded anywhere.
SELECT dbid, gid, prepared FROM pg_prepared_xact()
