-- Orders by day, city, category and kind, with what became of them: what the dashboard filters by.
WITH newest AS (
    SELECT
        product_id,
        category,
        row_number() OVER (PARTITION BY product_id ORDER BY valid_from DESC) AS recency
    FROM ${silver}.dim_products
),
homes AS (
    SELECT
        user_id,
        city,
        country,
        valid_from,
        row_number() OVER (PARTITION BY user_id ORDER BY valid_from) AS version,
        lead(valid_from) OVER (PARTITION BY user_id ORDER BY valid_from) AS until
    FROM ${silver}.dim_users
),
placed AS (
    SELECT
        CAST(s.created_at AT TIME ZONE 'UTC' AS date) AS placed_on,
        CAST(date_trunc('hour', s.created_at AT TIME ZONE 'UTC') AS timestamp(3)) AS placed_hour,
        coalesce(h.city, 'UNKNOWN') AS city,
        coalesce(h.country, 'UNKNOWN') AS country,
        coalesce(p.category, 'UNKNOWN') AS category,
        coalesce(s.total_amount, 0) AS amount,
        coalesce(s.quantity, 0) AS quantity,
        coalesce(s.status, '') AS status
    FROM ${silver}.fact_sales AS s
    LEFT JOIN newest AS p ON p.product_id = s.product_id AND p.recency = 1
    LEFT JOIN homes AS h ON h.user_id = s.user_id
        AND (h.valid_from <= s.created_at OR h.version = 1)
        AND (h.until > s.created_at OR h.until IS NULL)
),
dated AS (
    SELECT
        CASE
            WHEN placed_on >= date_add('day', -61, CAST(current_timestamp AT TIME ZONE 'UTC' AS date))
                THEN placed_on
            ELSE CAST(date_trunc('month', placed_on) AS date)
        END AS sale_date,
        CASE WHEN status = 'PENDING' THEN placed_hour END AS pending_since,
        city,
        country,
        category,
        amount >= 500 AS is_premium,
        amount,
        quantity,
        status
    FROM placed
)
SELECT
    sale_date,
    pending_since,
    city,
    country,
    category,
    is_premium,
    count(*) AS total_orders,
    CAST(sum(quantity) AS bigint) AS units_sold,
    CAST(sum(amount) AS decimal(18, 2)) AS total_revenue,
    CAST(sum(CASE WHEN status = 'CANCELLED' THEN 0 ELSE amount END) AS decimal(18, 2)) AS net_revenue,
    count(CASE WHEN status = 'PENDING' THEN 1 END) AS pending_orders,
    count(CASE WHEN status = 'SHIPPED' THEN 1 END) AS shipped_orders,
    count(CASE WHEN status = 'DELIVERED' THEN 1 END) AS delivered_orders,
    count(CASE WHEN status = 'CANCELLED' THEN 1 END) AS cancelled_orders
FROM dated
GROUP BY sale_date, pending_since, city, country, category, is_premium
