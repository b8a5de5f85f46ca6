SELECT
  *
FROM (
  SELECT
    "t2"."chunk" AS "chunk",
    "t4"."message_id" AS "message_id",
    "t4"."json" AS "json",
    "t4"."char_count" AS "char_count"
  FROM (
    SELECT
      "t0"."message_id" AS "message_id",
      "t0"."json" AS "json",
      "t0"."char_count" AS "char_count",
      COALESCE("t0"."first_seen_ns", 0) AS "first_seen_ns"
    FROM "messages" AS "t0"
  ) AS "t4"
  INNER JOIN "needed" AS "t2"
    ON "t4"."message_id" = "t2"."message_id"
    AND "t4"."first_seen_ns" = "t2"."first_seen_ns"
) AS "t5"
ORDER BY
  "t5"."chunk" ASC,
  "t5"."message_id" ASC
