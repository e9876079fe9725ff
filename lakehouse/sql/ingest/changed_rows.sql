SELECT ${values}
FROM ${relation} AS source
WHERE ${range}
