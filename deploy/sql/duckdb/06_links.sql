SELECT
  "t15"."chunk",
  "t15"."trace_id",
  "t15"."span_id",
  "t15"."found_ns",
  "t15"."evidence_json"
FROM (
  SELECT
    "t14"."chunk",
    "t14"."trace_id",
    "t14"."span_id",
    "t14"."found_ns",
    "t14"."evidence_json",
    MIN("t14"."noticed_ns") AS "earliest_ns"
  FROM (
    SELECT
      "t13"."trace_id",
      "t13"."span_id",
      "t13"."found_ns",
      COALESCE("t13"."evidence_json", '') AS "evidence_json",
      "t13"."chunk",
      "t13"."by_trace_id",
      "t13"."by_span_id",
      "t13"."noticed_ns"
    FROM (
      SELECT
        "t5"."trace_id",
        "t5"."span_id",
        "t5"."found_ns",
        "t5"."evidence_json",
        "t12"."chunk",
        "t12"."by_trace_id",
        "t12"."by_span_id",
        "t12"."noticed_ns"
      FROM (
        SELECT
          "t0"."trace_id",
          "t0"."span_id",
          "t0"."found_ns",
          "t0"."evidence_json"
        FROM "signals" AS "t0"
        WHERE
          "t0"."fact" = 'link'
      ) AS "t5"
      INNER JOIN (
        SELECT
          "t10"."chunk",
          "t10"."shown_by_trace_id" AS "by_trace_id",
          "t10"."shown_by_span_id" AS "by_span_id",
          "t10"."found_ns" AS "noticed_ns"
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
            "t9"."found_ns",
            "t9"."polarity",
            "t9"."provenance",
            "t9"."replay",
            "t9"."chunk",
            ROW_NUMBER() OVER (
              PARTITION BY "t9"."trace_id", "t9"."span_id"
              ORDER BY "t9"."found_ns" DESC, "t9"."signal_id" ASC, "t9"."replay" DESC, "t9"."fact" ASC
              ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) - 1 AS "place"
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
              COALESCE("t8"."found_ns", 0) AS "found_ns",
              "t8"."polarity",
              "t8"."provenance",
              COALESCE("t8"."replay", 0) AS "replay",
              "t8"."chunk"
            FROM (
              SELECT
                "t7"."fact",
                "t7"."signal_id",
                "t7"."kind",
                "t7"."trace_id",
                "t7"."span_id",
                "t7"."shown_by_trace_id",
                "t7"."shown_by_span_id",
                "t7"."probability",
                "t7"."found_ns",
                "t7"."polarity",
                "t7"."provenance",
                "t7"."replay",
                "t4"."chunk"
              FROM (
                SELECT
                  "t0"."fact",
                  "t0"."signal_id",
                  "t0"."kind",
                  "t0"."trace_id",
                  "t0"."span_id",
                  "t0"."shown_by_trace_id",
                  "t0"."shown_by_span_id",
                  "t0"."probability",
                  "t0"."found_ns",
                  "t0"."polarity",
                  "t0"."provenance",
                  "t0"."replay"
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
                  "t1"."chunk",
                  "t1"."trace_id",
                  "t1"."span_id"
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
    1,
    2,
    3,
    4,
    5
) AS "t15"
ORDER BY
  "t15"."chunk" ASC,
  "t15"."found_ns" ASC,
  "t15"."trace_id" ASC,
  "t15"."span_id" ASC,
  "t15"."evidence_json" ASC
