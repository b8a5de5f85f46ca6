WITH "t11" AS (
  SELECT
    "t10"."fact",
    "t10"."signal_id",
    "t10"."kind",
    "t10"."trace_id",
    "t10"."span_id",
    "t10"."shown_by_trace_id",
    "t10"."shown_by_span_id",
    "t10"."probability",
    "t10"."found_ns",
    "t10"."polarity",
    "t10"."provenance",
    "t10"."replay",
    "t10"."chunk",
    ROW_NUMBER() OVER (
      PARTITION BY "t10"."trace_id", "t10"."span_id"
      ORDER BY "t10"."found_ns" DESC, "t10"."signal_id" ASC, "t10"."replay" DESC, "t10"."fact" ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) - 1 AS "place"
  FROM (
    SELECT
      "t9"."fact",
      "t9"."signal_id",
      "t9"."kind",
      "t9"."trace_id",
      "t9"."span_id",
      "t9"."shown_by_trace_id",
      "t9"."shown_by_span_id",
      "t9"."probability",
      COALESCE("t9"."found_ns", 0) AS "found_ns",
      "t9"."polarity",
      "t9"."provenance",
      COALESCE("t9"."replay", 0) AS "replay",
      "t9"."chunk"
    FROM (
      SELECT
        "t8"."fact",
        "t8"."signal_id",
        "t8"."kind",
        "t8"."trace_id",
        "t8"."span_id",
        "t8"."shown_by_trace_id",
        "t8"."shown_by_span_id",
        "t8"."probability",
        "t8"."found_ns",
        "t8"."polarity",
        "t8"."provenance",
        "t8"."replay",
        "t6"."chunk"
      FROM (
        SELECT
          "t1"."fact",
          "t1"."signal_id",
          "t1"."kind",
          "t1"."trace_id",
          "t1"."span_id",
          "t1"."shown_by_trace_id",
          "t1"."shown_by_span_id",
          "t1"."probability",
          "t1"."found_ns",
          "t1"."polarity",
          "t1"."provenance",
          "t1"."replay"
        FROM "signals" AS "t1"
        WHERE
          (
            "t1"."fact" = 'signal'
          ) OR (
            "t1"."fact" = 'withdrawal'
          )
      ) AS "t8"
      INNER JOIN (
        SELECT
          "t2"."chunk",
          "t2"."trace_id",
          "t2"."span_id"
        FROM "touched" AS "t2"
      ) AS "t6"
        ON "t8"."trace_id" = "t6"."trace_id" AND "t8"."span_id" = "t6"."span_id"
    ) AS "t9"
  ) AS "t10"
)
SELECT
  *
FROM (
  SELECT
    "t15"."chunk",
    "t15"."fact",
    "t15"."signal_id",
    "t15"."kind",
    "t15"."trace_id",
    "t15"."span_id",
    "t15"."shown_by_trace_id",
    "t15"."shown_by_span_id",
    "t15"."probability",
    "t15"."found_ns",
    "t15"."polarity",
    "t15"."provenance",
    "t15"."replay",
    CASE WHEN "t19"."ended_span_id" IS NOT NULL THEN 1 ELSE 0 END AS "is_shown"
  FROM (
    SELECT
      "t12"."chunk",
      "t12"."fact",
      "t12"."signal_id",
      "t12"."kind",
      "t12"."trace_id",
      "t12"."span_id",
      "t12"."shown_by_trace_id",
      "t12"."shown_by_span_id",
      "t12"."probability",
      "t12"."found_ns",
      "t12"."polarity",
      "t12"."provenance",
      "t12"."replay"
    FROM "t11" AS "t12"
    WHERE
      "t12"."place" < 1000
  ) AS "t15"
  LEFT OUTER JOIN (
    SELECT DISTINCT
      *
    FROM (
      SELECT
        "t5"."trace_id" AS "ended_trace_id",
        "t5"."span_id" AS "ended_span_id"
      FROM (
        SELECT
          "t0"."trace_id",
          "t0"."span_id"
        FROM "calls" AS "t0"
      ) AS "t5"
      SEMI JOIN (
        SELECT DISTINCT
          "t12"."shown_by_trace_id" AS "shown_trace_id",
          "t12"."shown_by_span_id" AS "shown_span_id"
        FROM "t11" AS "t12"
        WHERE
          "t12"."place" < 1000
      ) AS "t16"
        ON "t5"."trace_id" = "t16"."shown_trace_id"
        AND "t5"."span_id" = "t16"."shown_span_id"
    ) AS "t17"
  ) AS "t19"
    ON "t15"."shown_by_trace_id" = "t19"."ended_trace_id"
    AND "t15"."shown_by_span_id" = "t19"."ended_span_id"
) AS "t20"
ORDER BY
  "t20"."chunk" ASC,
  "t20"."found_ns" ASC,
  "t20"."signal_id" ASC,
  "t20"."replay" ASC,
  "t20"."fact" ASC,
  "t20"."probability" ASC
