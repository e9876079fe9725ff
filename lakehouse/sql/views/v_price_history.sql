-- The prices that each product has had, the newest 60 of each, and the one before.
WITH versions AS (
    SELECT
        product_id,
        price,
        lag(price) OVER (PARTITION BY product_id ORDER BY valid_from) AS previous_price,
        row_number() OVER (PARTITION BY product_id ORDER BY valid_from) AS version,
        valid_from
    FROM ${silver}.dim_products
),
changes AS (
    SELECT
        product_id,
        price,
        previous_price,
        valid_from,
        row_number() OVER (PARTITION BY product_id ORDER BY valid_from DESC) AS recency
    FROM versions
    WHERE version = 1 OR price IS DISTINCT FROM previous_price
)
SELECT
    product_id,
    price,
    previous_price,
    CAST(date_trunc('second', valid_from AT TIME ZONE 'UTC') AS timestamp(3)) AS valid_from
FROM changes
WHERE recency <= 60
