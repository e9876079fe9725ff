-- The price is read here, so that a sale carries what the product costs at its own moment.
INSERT INTO fact_sales
    (user_id, product_id, quantity, unit_price, total_amount, status, created_at, updated_at)
SELECT basket.user_id, basket.product_id, basket.quantity, product.price,
       basket.quantity * product.price, 'PENDING', statement_timestamp(), statement_timestamp()
FROM unnest(CAST(:users AS bigint[]), CAST(:products AS bigint[]), CAST(:quantities AS integer[]))
    AS basket (user_id, product_id, quantity)
JOIN dim_products AS product USING (product_id)
