-- Rows that their Parquet types can't carry, as PostgreSQL prints them.
SELECT
    (${row_key})::text AS row_key,
    to_json(source)::text AS raw_row,
    concat_ws('; ', ${reasons}) AS failed_rules
FROM ${relation} AS source
WHERE ${range} AND (${broken})
