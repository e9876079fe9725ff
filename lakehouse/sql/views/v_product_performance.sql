-- Orders, units and revenue of each product, with its name and category of today and its rank.
SELECT
    product_id,
    name,
    category,
    total_orders,
    units_sold,
    total_revenue,
    net_revenue,
    rank() OVER (ORDER BY total_revenue DESC, product_id ASC) AS "rank",
    count(*) OVER () AS products
FROM ${gold}.product_performance
