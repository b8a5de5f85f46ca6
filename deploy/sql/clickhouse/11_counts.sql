SELECT
  *
FROM (
  SELECT
    COUNT(*) AS "calls",
    COALESCE(SUM("t0"."unseen"), 0) AS "unseen"
  FROM "touched" AS "t0"
) AS "t1"
ORDER BY
  "t1"."calls" ASC
