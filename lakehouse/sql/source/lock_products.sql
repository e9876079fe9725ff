SELECT product_id, name, price
FROM dim_products
WHERE product_id = ANY (CAST(:products AS bigint[]))
ORDER BY product_id
FOR NO KEY UPDATE SKIP LOCKED
