-- Products, orders, units and revenue of each category, products counting for that of today.
SELECT
    category,
    count(*) AS products,
    CAST(sum(total_orders) AS bigint) AS total_orders,
    CAST(sum(units_sold) AS bigint) AS units_sold,
    CAST(sum(total_revenue) AS decimal(18, 2)) AS total_revenue,
    CAST(sum(net_revenue) AS decimal(18, 2)) AS net_revenue
FROM ${gold}.product_performance
GROUP BY category
