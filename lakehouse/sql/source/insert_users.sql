-- statement_timestamp(): one time for the whole batch, never earlier than the transaction's start.
INSERT INTO dim_users (name, email, address, city, country, created_at, updated_at)
SELECT name, email, address, city, country, statement_timestamp(), statement_timestamp()
FROM unnest(
    CAST(:names AS text[]), CAST(:emails AS text[]), CAST(:addresses AS text[]),
    CAST(:cities AS text[]), CAST(:countries AS text[])
) AS person (name, email, address, city, country)
