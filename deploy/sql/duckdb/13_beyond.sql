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
        "t5"."chunk",
        "t6"."feedback_id",
        "t6"."item_no",
        "t6"."place",
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
          "t1"."chunk",
          "t1"."trace_id",
          "t1"."span_id"
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
        "t12"."replay",
        "t12"."chunk",
        ROW_NUMBER() OVER (
          PARTITION BY "t12"."trace_id", "t12"."span_id"
          ORDER BY "t12"."found_ns" DESC, "t12"."signal_id" ASC, "t12"."replay" DESC, "t12"."fact" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) - 1 AS "place"
      FROM (
        SELECT
          "t10"."fact",
          "t10"."signal_id",
          "t10"."kind",
          "t10"."trace_id",
          "t10"."span_id",
          "t10"."shown_by_trace_id",
          "t10"."shown_by_span_id",
          "t10"."probability",
          COALESCE("t10"."found_ns", 0) AS "found_ns",
          "t10"."polarity",
          "t10"."provenance",
          COALESCE("t10"."replay", 0) AS "replay",
          "t10"."chunk"
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
            "t5"."chunk"
          FROM (
            SELECT
              "t2"."fact",
              "t2"."signal_id",
              "t2"."kind",
              "t2"."trace_id",
              "t2"."span_id",
              "t2"."shown_by_trace_id",
              "t2"."shown_by_span_id",
              "t2"."probability",
              "t2"."found_ns",
              "t2"."polarity",
              "t2"."provenance",
              "t2"."replay"
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
              "t1"."chunk",
              "t1"."trace_id",
              "t1"."span_id"
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
