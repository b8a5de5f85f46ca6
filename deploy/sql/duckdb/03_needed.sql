WITH "t17" AS (
  SELECT
    *
  FROM (
    SELECT
      "t8"."chunk",
      "t7"."message_ids",
      "t7"."answer_ids",
      "t7"."tools_id"
    FROM (
      SELECT
        "t1"."trace_id",
        "t1"."span_id",
        "t1"."message_ids",
        "t1"."answer_ids",
        "t1"."tools_id"
      FROM "calls" AS "t1"
    ) AS "t7"
    INNER JOIN (
      SELECT
        "t2"."chunk",
        "t2"."trace_id",
        "t2"."span_id"
      FROM "touched" AS "t2"
    ) AS "t8"
      ON "t7"."trace_id" = "t8"."trace_id" AND "t7"."span_id" = "t8"."span_id"
  ) AS "t12"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t15"."chunk",
      "t7"."message_ids",
      "t7"."answer_ids",
      "t7"."tools_id"
    FROM (
      SELECT
        "t1"."trace_id",
        "t1"."span_id",
        "t1"."message_ids",
        "t1"."answer_ids",
        "t1"."tools_id"
      FROM "calls" AS "t1"
    ) AS "t7"
    INNER JOIN (
      SELECT DISTINCT
        *
      FROM (
        SELECT
          "t8"."chunk",
          "t11"."shown_by_trace_id" AS "by_trace_id",
          "t11"."shown_by_span_id" AS "by_span_id"
        FROM (
          SELECT
            *
          FROM "signals" AS "t3"
          WHERE
            "t3"."fact" = 'signal' AND "t3"."kind" = 'assistant_edit'
        ) AS "t11"
        INNER JOIN (
          SELECT
            "t2"."chunk",
            "t2"."trace_id",
            "t2"."span_id"
          FROM "touched" AS "t2"
        ) AS "t8"
          ON "t11"."trace_id" = "t8"."trace_id" AND "t11"."span_id" = "t8"."span_id"
      ) AS "t13"
    ) AS "t15"
      ON "t7"."trace_id" = "t15"."by_trace_id" AND "t7"."span_id" = "t15"."by_span_id"
  ) AS "t16"
), "t24" AS (
  SELECT DISTINCT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t18"."chunk",
          UNNEST("t18"."message_ids") AS "message_id"
        FROM "t17" AS "t18"
      ) AS "t19"
      UNION ALL
      SELECT
        *
      FROM (
        SELECT
          "t18"."chunk",
          UNNEST("t18"."answer_ids") AS "message_id"
        FROM "t17" AS "t18"
      ) AS "t20"
    ) AS "t22"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t18"."chunk",
        "t18"."tools_id" AS "message_id"
      FROM "t17" AS "t18"
      WHERE
        COALESCE("t18"."tools_id", '') <> ''
    ) AS "t21"
  ) AS "t23"
  WHERE
    COALESCE("t23"."message_id", '') <> ''
)
SELECT
  "t26"."chunk",
  "t26"."message_id",
  "t30"."first_seen_ns"
FROM "t24" AS "t26"
INNER JOIN (
  SELECT
    "t28"."message_id",
    MIN("t28"."seen_ns") AS "first_seen_ns"
  FROM (
    SELECT
      "t10"."message_id",
      "t10"."seen_ns"
    FROM (
      SELECT
        "t0"."message_id",
        COALESCE("t0"."first_seen_ns", 0) AS "seen_ns"
      FROM "messages" AS "t0"
    ) AS "t10"
    SEMI JOIN "t24" AS "t27"
      ON "t10"."message_id" = "t27"."message_id"
  ) AS "t28"
  GROUP BY
    1
) AS "t30"
  ON "t26"."message_id" = "t30"."message_id"
