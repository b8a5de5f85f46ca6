WITH "t11" AS (
  SELECT
    "t10"."fact" AS "fact",
    "t10"."signal_id" AS "signal_id",
    "t10"."kind" AS "kind",
    "t10"."trace_id" AS "trace_id",
    "t10"."span_id" AS "span_id",
    "t10"."shown_by_trace_id" AS "shown_by_trace_id",
    "t10"."shown_by_span_id" AS "shown_by_span_id",
    "t10"."probability" AS "probability",
    "t10"."found_ns" AS "found_ns",
    "t10"."polarity" AS "polarity",
    "t10"."provenance" AS "provenance",
    "t10"."replay" AS "replay",
    "t10"."chunk" AS "chunk",
    ROW_NUMBER() OVER (
      PARTITION BY "t10"."trace_id", "t10"."span_id"
      ORDER BY "t10"."found_ns" DESC, "t10"."signal_id" ASC, "t10"."replay" DESC, "t10"."fact" ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) - 1 AS "place"
  FROM (
    SELECT
      "t9"."fact" AS "fact",
      "t9"."signal_id" AS "signal_id",
      "t9"."kind" AS "kind",
      "t9"."trace_id" AS "trace_id",
      "t9"."span_id" AS "span_id",
      "t9"."shown_by_trace_id" AS "shown_by_trace_id",
      "t9"."shown_by_span_id" AS "shown_by_span_id",
      "t9"."probability" AS "probability",
      COALESCE("t9"."found_ns", 0) AS "found_ns",
      "t9"."polarity" AS "polarity",
      "t9"."provenance" AS "provenance",
      COALESCE("t9"."replay", 0) AS "replay",
      "t9"."chunk" AS "chunk"
    FROM (
      SELECT
        "t8"."fact" AS "fact",
        "t8"."signal_id" AS "signal_id",
        "t8"."kind" AS "kind",
        "t8"."trace_id" AS "trace_id",
        "t8"."span_id" AS "span_id",
        "t8"."shown_by_trace_id" AS "shown_by_trace_id",
        "t8"."shown_by_span_id" AS "shown_by_span_id",
        "t8"."probability" AS "probability",
        "t8"."found_ns" AS "found_ns",
        "t8"."polarity" AS "polarity",
        "t8"."provenance" AS "provenance",
        "t8"."replay" AS "replay",
        "t6"."chunk" AS "chunk"
      FROM (
        SELECT
          "t1"."fact" AS "fact",
          "t1"."signal_id" AS "signal_id",
          "t1"."kind" AS "kind",
          "t1"."trace_id" AS "trace_id",
          "t1"."span_id" AS "span_id",
          "t1"."shown_by_trace_id" AS "shown_by_trace_id",
          "t1"."shown_by_span_id" AS "shown_by_span_id",
          "t1"."probability" AS "probability",
          "t1"."found_ns" AS "found_ns",
          "t1"."polarity" AS "polarity",
          "t1"."provenance" AS "provenance",
          "t1"."replay" AS "replay"
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
          "t2"."chunk" AS "chunk",
          "t2"."trace_id" AS "trace_id",
          "t2"."span_id" AS "span_id"
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
    "t15"."chunk" AS "chunk",
    "t15"."fact" AS "fact",
    "t15"."signal_id" AS "signal_id",
    "t15"."kind" AS "kind",
    "t15"."trace_id" AS "trace_id",
    "t15"."span_id" AS "span_id",
    "t15"."shown_by_trace_id" AS "shown_by_trace_id",
    "t15"."shown_by_span_id" AS "shown_by_span_id",
    "t15"."probability" AS "probability",
    "t15"."found_ns" AS "found_ns",
    "t15"."polarity" AS "polarity",
    "t15"."provenance" AS "provenance",
    "t15"."replay" AS "replay",
    CASE WHEN isNotNull("t19"."ended_span_id") THEN 1 ELSE 0 END AS "is_shown"
  FROM (
    SELECT
      "t12"."chunk" AS "chunk",
      "t12"."fact" AS "fact",
      "t12"."signal_id" AS "signal_id",
      "t12"."kind" AS "kind",
      "t12"."trace_id" AS "trace_id",
      "t12"."span_id" AS "span_id",
      "t12"."shown_by_trace_id" AS "shown_by_trace_id",
      "t12"."shown_by_span_id" AS "shown_by_span_id",
      "t12"."probability" AS "probability",
      "t12"."found_ns" AS "found_ns",
      "t12"."polarity" AS "polarity",
      "t12"."provenance" AS "provenance",
      "t12"."replay" AS "replay"
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
          "t0"."trace_id" AS "trace_id",
          "t0"."span_id" AS "span_id"
        FROM "calls" AS "t0"
      ) AS "t5"
      LEFT SEMI JOIN (
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
