-- Orders, units and revenue of each UTC day on which a sale was placed.
SELECT
    sale_date,
    total_orders,
    units_sold,
    total_revenue,
    net_revenue,
    cancelled_orders
FROM ${gold}.daily_sales
