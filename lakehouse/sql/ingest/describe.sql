-- Facts of a written file.
SELECT
    count(*),
    count(*) FILTER (WHERE _op = 'D'),
    count(*) FILTER (WHERE _op = '!'),
    count(*) FILTER (WHERE _op = '?'),
    ${content}
FROM read_parquet(${path})
