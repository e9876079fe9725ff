-- Whether the star schema stands with all its triggers (the last thing that is made).
SELECT count(*) = 12
FROM pg_trigger
WHERE tgname IN (
      'lakehouse_deleted', 'lakehouse_rekeyed', 'lakehouse_backdated', 'lakehouse_truncated'
  )
  AND tgrelid IN (to_regclass('dim_users'), to_regclass('dim_products'), to_regclass('fact_sales'))
