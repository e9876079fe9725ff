-- The keys in one object of the quarantine: a key that was only ever held back is deleted too.
INSERT OR REPLACE INTO known BY NAME
SELECT DISTINCT *, '?' AS _op
FROM (SELECT ${values} FROM read_parquet(${path})) AS held
WHERE COLUMNS(*) IS NOT NULL
