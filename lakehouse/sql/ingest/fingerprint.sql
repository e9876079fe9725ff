-- One text for the whole table as it is: another one as soon as a value of a row is another.
SELECT count(*), sum(hashtextextended(ROW(${columns})::text, 0))::text
FROM ${relation} AS source
