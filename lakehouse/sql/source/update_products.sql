UPDATE dim_products AS product
SET price = change.price, updated_at = clock_timestamp()
FROM unnest(CAST(:products AS bigint[]), CAST(:prices AS numeric[])) AS change (product_id, price)
WHERE product.product_id = change.product_id
