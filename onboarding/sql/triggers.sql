-- Triggers of the relations in :oids that fire for what sessions write.
SELECT
    t.tgrelid::int8,
    t.tgname::text,
    t.tgtype::int,
    p.proname::text,
    p.prosrc,
    coalesce(nullif(string_to_array(encode(t.tgargs, 'escape'), '\000'), '{}'), '{}')
FROM pg_trigger AS t
INNER JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE
    t.tgrelid = ANY (CAST(:oids AS int8[]))
    AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
ORDER BY 1, 2
