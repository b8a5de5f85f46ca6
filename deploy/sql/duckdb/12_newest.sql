SELECT
  *
FROM (
  SELECT
    MAX("t0"."opened_ns") AS "opened_ns"
  FROM "calls" AS "t0"
) AS "t1"
ORDER BY
  "t1"."opened_ns" ASC
