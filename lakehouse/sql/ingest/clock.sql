-- What a snapshot has to know of the server; it needs no word on other sessions.
SELECT now(), pg_is_in_recovery(), current_setting('server_encoding'), oid
FROM pg_database
WHERE datname = current_database()
