-- Orders, units and revenue of each product by day (older ones by month) and kind of order.
WITH placed AS (
    SELECT
        product_id,
        CAST(created_at AT TIME ZONE 'UTC' AS date) AS placed_on,
        coalesce(total_amount, 0) AS amount,
        coalesce(quantity, 0) AS quantity,
        coalesce(status, '') AS status
    FROM ${silver}.fact_sales
),
dated AS (
    SELECT
        CASE
            WHEN placed_on >= date_add('day', -61, CAST(current_timestamp AT TIME ZONE 'UTC' AS date))
                THEN placed_on
            ELSE CAST(date_trunc('month', placed_on) AS date)
        END AS sale_date,
        product_id,
        amount >= 500 AS is_premium,
        amount,
        quantity,
        status
    FROM placed
)
SELECT
    sale_date,
    product_id,
    is_premium,
    count(*) AS total_orders,
    CAST(sum(quantity) AS bigint) AS units_sold,
    CAST(sum(amount) AS decimal(18, 2)) AS total_revenue,
    CAST(sum(CASE WHEN status = 'CANCELLED' THEN 0 ELSE amount END) AS decimal(18, 2)) AS net_revenue
FROM dated
GROUP BY sale_date, product_id, is_premium
