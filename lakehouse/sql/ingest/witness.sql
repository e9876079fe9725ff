-- The batch's range as PostgreSQL counts and hashes it; text, since a sum of hashes has no bigint.
SELECT count(*)::text, (${content})::text
FROM (${captured}) AS captured
