-- Whether rows exist whose cursor lies outside every window.
SELECT
    EXISTS (SELECT FROM ${relation} WHERE ${cursor} IS NULL)
    OR EXISTS (SELECT FROM ${relation} WHERE ${cursor} = 'infinity')
    OR EXISTS (SELECT FROM ${relation} WHERE ${cursor} < '0001-01-01 00:00:00+00')
