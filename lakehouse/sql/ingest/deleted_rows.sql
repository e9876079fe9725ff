SELECT ${values}
FROM (${gone}) AS gone
-- a key that lives again is delivered as a row, never as a delete
WHERE ${range} AND NOT EXISTS (SELECT FROM ${relation} AS living WHERE ${same_key})
