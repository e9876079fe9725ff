-- Keys that bronze holds as living and the source does not have.
SELECT ${values}, 'D' AS _op
FROM known AS gone
WHERE gone._op <> 'D' AND NOT EXISTS (
    SELECT 1 FROM postgres_query('source', ${living_keys}) AS living WHERE ${same_key}
)
