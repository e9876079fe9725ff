-- Rows and content that PostgreSQL counts too; rows with a key that is NULL; keys of several rows.
SELECT
    count(*),
    coalesce(sum(_state) FILTER (WHERE _op <> '!'), 0),
    count(*) FILTER (WHERE _op <> '!' AND (${is_null})),
    count(*) FILTER (WHERE _op <> '!') - (
        SELECT count(*) FROM (SELECT DISTINCT ${keys} FROM read_parquet(${path}) WHERE _op <> '!')
    )
FROM read_parquet(${path})
