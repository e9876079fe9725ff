-- The catalogue was written best sellers first.
SELECT product_id, price
FROM dim_products
WHERE price >= 0 AND price <> 'NaN'
ORDER BY product_id
