SELECT
  "t15"."chunk" AS "chunk",
  "t15"."trace_id" AS "trace_id",
  "t15"."span_id" AS "span_id",
  "t15"."found_ns" AS "found_ns",
  "t15"."evidence_json" AS "evidence_json"
FROM (
  SELECT
    "t14"."chunk" AS "chunk",
    "t14"."trace_id" AS "trace_id",
    "t14"."span_id" AS "span_id",
    "t14"."found_ns" AS "found_ns",
    "t14"."evidence_json" AS "evidence_json",
    MIN("t14"."noticed_ns") AS "earliest_ns"
  FROM (
    SELECT
      "t13"."trace_id" AS "trace_id",
      "t13"."span_id" AS "span_id",
      "t13"."found_ns" AS "found_ns",
      COALESCE("t13"."evidence_json", '') AS "evidence_json",
      "t13"."chunk" AS "chunk",
      "t13"."by_trace_id" AS "by_trace_id",
      "t13"."by_span_id" AS "by_span_id",
      "t13"."noticed_ns" AS "noticed_ns"
    FROM (
      SELECT
        "t5"."trace_id" AS "trace_id",
        "t5"."span_id" AS "span_id",
        "t5"."found_ns" AS "found_ns",
        "t5"."evidence_json" AS "evidence_json",
        "t12"."chunk" AS "chunk",
        "t12"."by_trace_id" AS "by_trace_id",
        "t12"."by_span_id" AS "by_span_id",
        "t12"."noticed_ns" AS "noticed_ns"
      FROM (
        SELECT
          "t0"."trace_id" AS "trace_id",
          "t0"."span_id" AS "span_id",
          "t0"."found_ns" AS "found_ns",
          "t0"."evidence_json" AS "evidence_json"
        FROM "signals" AS "t0"
        WHERE
          "t0"."fact" = 'link'
      ) AS "t5"
      INNER JOIN (
        SELECT
          "t10"."chunk" AS "chunk",
          "t10"."shown_by_trace_id" AS "by_trace_id",
          "t10"."shown_by_span_id" AS "by_span_id",
          "t10"."found_ns" AS "noticed_ns"
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
            "t9"."found_ns" AS "found_ns",
            "t9"."polarity" AS "polarity",
            "t9"."provenance" AS "provenance",
            "t9"."replay" AS "replay",
            "t9"."chunk" AS "chunk",
            ROW_NUMBER() OVER (
              PARTITION BY "t9"."trace_id", "t9"."span_id"
              ORDER BY "t9"."found_ns" DESC, "t9"."signal_id" ASC, "t9"."replay" DESC, "t9"."fact" ASC
              ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) - 1 AS "place"
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
              COALESCE("t8"."found_ns", 0) AS "found_ns",
              "t8"."polarity" AS "polarity",
              "t8"."provenance" AS "provenance",
              COALESCE("t8"."replay", 0) AS "replay",
              "t8"."chunk" AS "chunk"
            FROM (
              SELECT
                "t7"."fact" AS "fact",
                "t7"."signal_id" AS "signal_id",
                "t7"."kind" AS "kind",
                "t7"."trace_id" AS "trace_id",
                "t7"."span_id" AS "span_id",
                "t7"."shown_by_trace_id" AS "shown_by_trace_id",
                "t7"."shown_by_span_id" AS "shown_by_span_id",
                "t7"."probability" AS "probability",
                "t7"."found_ns" AS "found_ns",
                "t7"."polarity" AS "polarity",
                "t7"."provenance" AS "provenance",
                "t7"."replay" AS "replay",
                "t4"."chunk" AS "chunk"
              FROM (
                SELECT
                  "t0"."fact" AS "fact",
                  "t0"."signal_id" AS "signal_id",
                  "t0"."kind" AS "kind",
                  "t0"."trace_id" AS "trace_id",
                  "t0"."span_id" AS "span_id",
                  "t0"."shown_by_trace_id" AS "shown_by_trace_id",
                  "t0"."shown_by_span_id" AS "shown_by_span_id",
                  "t0"."probability" AS "probability",
                  "t0"."found_ns" AS "found_ns",
                  "t0"."polarity" AS "polarity",
                  "t0"."provenance" AS "provenance",
                  "t0"."replay" AS "replay"
                FROM "signals" AS "t0"
                WHERE
                  (
                    "t0"."fact" = 'signal'
                  ) OR (
                    "t0"."fact" = 'withdrawal'
                  )
              ) AS "t7"
              INNER JOIN (
                SELECT
                  "t1"."chunk" AS "chunk",
                  "t1"."trace_id" AS "trace_id",
                  "t1"."span_id" AS "span_id"
                FROM "touched" AS "t1"
              ) AS "t4"
                ON "t7"."trace_id" = "t4"."trace_id" AND "t7"."span_id" = "t4"."span_id"
            ) AS "t8"
          ) AS "t9"
        ) AS "t10"
        WHERE
          "t10"."fact" = 'signal'
      ) AS "t12"
        ON "t5"."trace_id" = "t12"."by_trace_id" AND "t5"."span_id" = "t12"."by_span_id"
    ) AS "t13"
    WHERE
      "t13"."found_ns" > "t13"."noticed_ns"
  ) AS "t14"
  GROUP BY
    "t14"."chunk",
    "t14"."trace_id",
    "t14"."span_id",
    "t14"."found_ns",
    "t14"."evidence_json"
) AS "t15"
ORDER BY
  "t15"."chunk" ASC,
  "t15"."found_ns" ASC,
  "t15"."trace_id" ASC,
  "t15"."span_id" ASC,
  "t15"."evidence_json" ASC
