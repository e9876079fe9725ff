-- gold.city_performance
WITH placed AS (
    SELECT
        s.status,
        coalesce(s.total_amount, 0) AS amount,
        h.city,
        h.country
    FROM fact_sales AS s
    LEFT JOIN homes AS h ON h.user_id = s.user_id AND h.since = coalesce(
        (SELECT max(b.since) FROM homes AS b
         WHERE b.user_id = s.user_id AND b.since <= s.created_at),
        (SELECT min(f.since) FROM homes AS f WHERE f.user_id = s.user_id)
    )
)
SELECT
    coalesce(city, 'UNKNOWN') AS city,
    coalesce(country, 'UNKNOWN') AS country,
    count(*),
    count(*) FILTER (WHERE amount >= 500),
    count(*) FILTER (WHERE amount < 500),
    sum(amount)::decimal(18, 2),
    coalesce(sum(amount) FILTER (WHERE amount >= 500), 0)::decimal(18, 2),
    coalesce(sum(amount) FILTER (WHERE amount < 500), 0)::decimal(18, 2),
    CASE
        WHEN sum(amount) = 0 THEN 0
        ELSE coalesce(sum(amount) FILTER (WHERE amount >= 500), 0) * 100 / sum(amount)
    END::decimal(5, 2),
    coalesce(sum(amount) FILTER (WHERE status <> 'CANCELLED'), 0)::decimal(18, 2),
    count(*) FILTER (WHERE status = 'CANCELLED')
FROM placed
GROUP BY 1, 2;

-- gold.daily_sales
SELECT
    created_at::date AS sale_date,
    count(*),
    sum(quantity)::bigint,
    coalesce(sum(total_amount), 0)::decimal(18, 2),
    coalesce(sum(total_amount) FILTER (WHERE status <> 'CANCELLED'), 0)::decimal(18, 2),
    count(*) FILTER (WHERE status = 'CANCELLED')
FROM fact_sales
GROUP BY 1;

-- gold.order_status
SELECT status, count(*), coalesce(sum(total_amount), 0)::decimal(18, 2), min(created_at)
FROM fact_sales
GROUP BY 1;

-- gold.product_performance
SELECT
    product_id,
    coalesce(any_value(n.name), 'UNKNOWN'),
    coalesce(any_value(n.category), 'UNKNOWN'),
    count(s.sale_id),
    coalesce(sum(s.quantity), 0)::bigint,
    coalesce(sum(s.total_amount), 0)::decimal(18, 2),
    coalesce(sum(s.total_amount) FILTER (WHERE s.status <> 'CANCELLED'), 0)::decimal(18, 2)
FROM fact_sales AS s
FULL JOIN dim_products AS p USING (product_id)
LEFT JOIN names AS n USING (product_id)
GROUP BY product_id;
