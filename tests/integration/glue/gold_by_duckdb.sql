-- gold.city_performance
WITH placed AS (
    SELECT
        s.*,
        coalesce(s.total_amount, 0) AS amount,
        coalesce(
            (SELECT max_by(h, h.since) FROM homes AS h
             WHERE h.user_id = s.user_id AND h.since <= s.created_at),
            (SELECT min_by(h, h.since) FROM homes AS h WHERE h.user_id = s.user_id)
        ) AS home
    FROM fact_sales AS s
)
SELECT
    coalesce(home.city, 'UNKNOWN') AS city,
    coalesce(home.country, 'UNKNOWN') AS country,
    count(*),
    count(*) FILTER (amount >= 500),
    count(*) FILTER (amount < 500),
    sum(amount)::decimal(18, 2),
    coalesce(sum(amount) FILTER (amount >= 500), 0)::decimal(18, 2),
    coalesce(sum(amount) FILTER (amount < 500), 0)::decimal(18, 2),
    CASE
        WHEN sum(amount) = 0 THEN 0
        ELSE round(
            coalesce(sum(amount) FILTER (amount >= 500), 0)::double * 100 / sum(amount)::double, 2
        )
    END::decimal(5, 2),
    coalesce(sum(amount) FILTER (status <> 'CANCELLED'), 0)::decimal(18, 2),
    count(*) FILTER (status = 'CANCELLED')
FROM placed
GROUP BY ALL;

-- gold.daily_sales
SELECT
    created_at::date AS sale_date,
    count(*),
    sum(quantity)::bigint,
    coalesce(sum(total_amount), 0)::decimal(18, 2),
    coalesce(sum(total_amount) FILTER (status <> 'CANCELLED'), 0)::decimal(18, 2),
    count(*) FILTER (status = 'CANCELLED')
FROM fact_sales
GROUP BY ALL;

-- gold.order_status
SELECT status, count(*), coalesce(sum(total_amount), 0)::decimal(18, 2), min(created_at)
FROM fact_sales
GROUP BY ALL;

-- gold.product_performance
SELECT
    product_id,
    coalesce(any_value(n.name), 'UNKNOWN'),
    coalesce(any_value(n.category), 'UNKNOWN'),
    count(s.sale_id),
    coalesce(sum(s.quantity), 0)::bigint,
    coalesce(sum(s.total_amount), 0)::decimal(18, 2),
    coalesce(sum(s.total_amount) FILTER (s.status <> 'CANCELLED'), 0)::decimal(18, 2)
FROM fact_sales AS s
FULL JOIN dim_products AS p USING (product_id)
LEFT JOIN names AS n USING (product_id)
GROUP BY product_id;
