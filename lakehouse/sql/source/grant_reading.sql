-- Lets the ingest role read the shop, where that role exists; its name comes as a setting.
DO $$
DECLARE
    ingest text := current_setting('lakehouse.ingest_role');
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = ingest) THEN
        EXECUTE format('GRANT SELECT ON dim_users, dim_products, fact_sales, lakehouse_tombstones '
                       'TO %I', ingest);
    END IF;
END $$;
