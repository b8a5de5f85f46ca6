WITH "t12" AS (
  SELECT
    "t11"."trace_id" AS "trace_id",
    "t11"."span_id" AS "span_id",
    "t11"."opened_ns" AS "opened_ns",
    "t11"."hash" AS "hash",
    ROW_NUMBER() OVER (
      PARTITION BY "t11"."hash"
      ORDER BY "t11"."opened_ns" ASC, "t11"."trace_id" ASC, "t11"."span_id" ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) - 1 AS "place",
    COUNT(*) OVER (
      PARTITION BY "t11"."hash"
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS "answers"
  FROM (
    SELECT
      "t7"."trace_id" AS "trace_id",
      "t7"."span_id" AS "span_id",
      COALESCE("t7"."opened_ns", 0) AS "opened_ns",
      MD5(
        CONCAT(
          CONCAT(
            CONCAT(CONCAT(COALESCE("t7"."tenant", ''), '/'), COALESCE("t7"."tools_id", '')),
            '/'
          ),
          COALESCE(
            CASE
              WHEN length("t7"."message_ids") > 0
              THEN arrayStringConcat("t7"."message_ids", ',')
              ELSE NULL
            END,
            ''
          )
        )
      ) AS "hash"
    FROM (
      SELECT
        *
      FROM "calls" AS "t0"
      WHERE
        "t0"."dt" >= '1970-01-01'
        AND "t0"."opened_ns" >= 0
        AND "t0"."opened_ns" < 9223372036854775807
        AND isNull("t0"."purpose")
    ) AS "t7"
    LEFT SEMI JOIN (
      SELECT
        *
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t2"."trace_id" AS "trace_id",
            "t2"."span_id" AS "span_id"
          FROM "signals" AS "t2"
          WHERE
            "t2"."fact" = 'signal'
        ) AS "t5"
        UNION ALL
        SELECT
          *
        FROM (
          SELECT
            "t2"."shown_by_trace_id" AS "trace_id",
            "t2"."shown_by_span_id" AS "span_id"
          FROM "signals" AS "t2"
          WHERE
            "t2"."fact" = 'signal' AND "t2"."kind" = 'regeneration'
        ) AS "t6"
      ) AS "t8"
      UNION ALL
      SELECT
        *
      FROM (
        SELECT
          "t1"."trace_id" AS "trace_id",
          "t1"."span_id" AS "span_id"
        FROM "fits" AS "t1"
        WHERE
          "t1"."call_count" = 1
      ) AS "t4"
    ) AS "t10"
      ON "t7"."trace_id" = "t10"."trace_id" AND "t7"."span_id" = "t10"."span_id"
  ) AS "t11"
)
SELECT
  "t19"."chunk" AS "chunk",
  "t19"."prompt" AS "prompt",
  "t15"."trace_id" AS "trace_id",
  "t15"."span_id" AS "span_id",
  "t19"."before" + "t15"."place" AS "position",
  CASE WHEN "t15"."place" = 0 THEN 1 ELSE 0 END * (
    "t15"."answers" - "t19"."looked_at"
  ) AS "unseen"
FROM (
  SELECT
    *
  FROM "t12" AS "t13"
  WHERE
    "t13"."place" < 64
) AS "t15"
INNER JOIN (
  SELECT
    "t17"."hash" AS "hash",
    "t17"."looked_at" AS "looked_at",
    "t17"."prompt" AS "prompt",
    "t17"."before" AS "before",
    CAST(FLOOR((
      "t17"."before"
    ) / (
      500
    )) AS Nullable(Int64)) AS "chunk"
  FROM (
    SELECT
      "t16"."trace_id" AS "trace_id",
      "t16"."span_id" AS "span_id",
      "t16"."opened_ns" AS "opened_ns",
      "t16"."hash" AS "hash",
      "t16"."place" AS "place",
      "t16"."answers" AS "answers",
      "t16"."looked_at" AS "looked_at",
      ROW_NUMBER() OVER (
        ORDER BY "t16"."opened_ns" ASC, "t16"."trace_id" ASC, "t16"."span_id" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      ) - 1 AS "prompt",
      SUM("t16"."looked_at") OVER (
        ORDER BY "t16"."opened_ns" ASC, "t16"."trace_id" ASC, "t16"."span_id" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) - "t16"."looked_at" AS "before"
    FROM (
      SELECT
        "t13"."trace_id" AS "trace_id",
        "t13"."span_id" AS "span_id",
        "t13"."opened_ns" AS "opened_ns",
        "t13"."hash" AS "hash",
        "t13"."place" AS "place",
        "t13"."answers" AS "answers",
        CASE WHEN "t13"."answers" > 64 THEN 64 ELSE "t13"."answers" END AS "looked_at"
      FROM "t12" AS "t13"
      WHERE
        "t13"."place" = 0
    ) AS "t16"
  ) AS "t17"
) AS "t19"
  ON "t15"."hash" = "t19"."hash"
