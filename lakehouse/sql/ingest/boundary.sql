-- The last (cursor, key) of a chunk, and whether anything follows: at most two rows.
SELECT ${texts} FROM (${changes}) AS changes
ORDER BY ${order}
OFFSET ${skip} LIMIT 2
