-- Rows with a tombstone that live, stamped before the window: backdated, or left with an old stamp.
SELECT ${values}
FROM (${gone}) AS gone
JOIN ${relation} AS source ON ${same_key}
WHERE ${range} AND ${behind}
