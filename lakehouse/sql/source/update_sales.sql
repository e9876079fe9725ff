UPDATE fact_sales AS sale
SET status = change.status, updated_at = clock_timestamp()
FROM unnest(CAST(:sales AS bigint[]), CAST(:statuses AS text[])) AS change (sale_id, status)
WHERE sale.sale_id = change.sale_id AND sale.status = ANY (CAST(:open AS text[]))
