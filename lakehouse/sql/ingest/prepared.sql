-- Prepared transactions left open. Must run after the horizon: a transaction that leaves
-- pg_stat_activity by PREPARE is already listed here. Their true start is not recorded anywhere.
SELECT count(*), (extract(epoch FROM now() - min(prepared)))::double precision, min(gid)
FROM pg_prepared_xacts
WHERE database = current_database()
