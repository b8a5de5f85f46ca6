SELECT DISTINCT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      'feedback' AS "fact",
      "t9"."feedback_id" AS "id"
    FROM (
      SELECT
        "t5"."chunk" AS "chunk",
        "t6"."feedback_id" AS "feedback_id",
        "t6"."item_no" AS "item_no",
        "t6"."place" AS "place",
        "t6"."trace_id" AS "call_trace_id",
        "t6"."span_id" AS "call_span_id"
      FROM (
        SELECT
          *
        FROM "fits" AS "t0"
        WHERE
          "t0"."call_count" = 1
      ) AS "t6"
      INNER JOIN (
        SELECT
          "t1"."chunk" AS "chunk",
          "t1"."trace_id" AS "trace_id",
          "t1"."span_id" AS "span_id"
        FROM "touched" AS "t1"
      ) AS "t5"
        ON "t6"."trace_id" = "t5"."trace_id" AND "t6"."span_id" = "t5"."span_id"
    ) AS "t9"
    WHERE
      "t9"."place" >= 1000
  ) AS "t11"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      'signal' AS "fact",
      "t13"."signal_id" AS "id"
    FROM (
      SELECT
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
        "t12"."replay" AS "replay",
        "t12"."chunk" AS "chunk",
        ROW_NUMBER() OVER (
          PARTITION BY "t12"."trace_id", "t12"."span_id"
          ORDER BY "t12"."found_ns" DESC, "t12"."signal_id" ASC, "t12"."replay" DESC, "t12"."fact" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) - 1 AS "place"
      FROM (
        SELECT
          "t10"."fact" AS "fact",
          "t10"."signal_id" AS "signal_id",
          "t10"."kind" AS "kind",
          "t10"."trace_id" AS "trace_id",
          "t10"."span_id" AS "span_id",
          "t10"."shown_by_trace_id" AS "shown_by_trace_id",
          "t10"."shown_by_span_id" AS "shown_by_span_id",
          "t10"."probability" AS "probability",
          COALESCE("t10"."found_ns", 0) AS "found_ns",
          "t10"."polarity" AS "polarity",
          "t10"."provenance" AS "provenance",
          COALESCE("t10"."replay", 0) AS "replay",
          "t10"."chunk" AS "chunk"
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
            "t5"."chunk" AS "chunk"
          FROM (
            SELECT
              "t2"."fact" AS "fact",
              "t2"."signal_id" AS "signal_id",
              "t2"."kind" AS "kind",
              "t2"."trace_id" AS "trace_id",
              "t2"."span_id" AS "span_id",
              "t2"."shown_by_trace_id" AS "shown_by_trace_id",
              "t2"."shown_by_span_id" AS "shown_by_span_id",
              "t2"."probability" AS "probability",
              "t2"."found_ns" AS "found_ns",
              "t2"."polarity" AS "polarity",
              "t2"."provenance" AS "provenance",
              "t2"."replay" AS "replay"
            FROM "signals" AS "t2"
            WHERE
              (
                "t2"."fact" = 'signal'
              ) OR (
                "t2"."fact" = 'withdrawal'
              )
          ) AS "t8"
          INNER JOIN (
            SELECT
              "t1"."chunk" AS "chunk",
              "t1"."trace_id" AS "trace_id",
              "t1"."span_id" AS "span_id"
            FROM "touched" AS "t1"
          ) AS "t5"
            ON "t8"."trace_id" = "t5"."trace_id" AND "t8"."span_id" = "t5"."span_id"
        ) AS "t10"
      ) AS "t12"
    ) AS "t13"
    WHERE
      "t13"."place" >= 1000
  ) AS "t14"
) AS "t15"
ORDER BY
  "t15"."fact" ASC,
  "t15"."id" ASC
