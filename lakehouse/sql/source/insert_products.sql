INSERT INTO dim_products (name, category, price, created_at, updated_at)
SELECT name, category, price, statement_timestamp(), statement_timestamp()
FROM unnest(CAST(:names AS text[]), CAST(:categories AS text[]), CAST(:prices AS numeric[]))
    AS product (name, category, price)
