SELECT
  "t17"."chunk",
  "t17"."item_no",
  "t17"."feedback_id",
  "t17"."item",
  "t17"."kind",
  "t17"."value_json",
  "t17"."tenant",
  "t17"."given_ns",
  "t17"."trace_id",
  "t17"."span_id",
  "t17"."response_id",
  "t17"."parent_span_id",
  "t17"."session_id",
  "t17"."metric",
  "t17"."rater",
  "t17"."source",
  "t17"."channel",
  "t17"."key_id",
  "t17"."at_ns",
  "t17"."supersedes",
  "t17"."rank",
  "t17"."choice",
  "t17"."span_start",
  "t17"."span_end",
  "t17"."range_low",
  "t17"."range_high",
  "t17"."direction"
FROM (
  SELECT
    "t16"."item_no",
    "t16"."feedback_id",
    "t16"."item",
    "t16"."kind",
    "t16"."value_json",
    "t16"."tenant",
    "t16"."given_ns",
    "t16"."trace_id",
    "t16"."span_id",
    "t16"."response_id",
    "t16"."parent_span_id",
    "t16"."session_id",
    "t16"."metric",
    "t16"."rater",
    "t16"."source",
    "t16"."channel",
    "t16"."key_id",
    "t16"."at_ns",
    "t16"."supersedes",
    "t16"."rank",
    "t16"."choice",
    "t16"."span_start",
    "t16"."span_end",
    "t16"."range_low",
    "t16"."range_high",
    "t16"."direction",
    "t16"."chunk",
    "t16"."earlier_id",
    ROW_NUMBER() OVER (
      PARTITION BY "t16"."chunk", "t16"."supersedes"
      ORDER BY "t16"."given_ns" DESC, "t16"."feedback_id" ASC, "t16"."item_no" ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) - 1 AS "place"
  FROM (
    SELECT
      "t15"."item_no",
      "t15"."feedback_id",
      "t15"."item",
      "t15"."kind",
      "t15"."value_json",
      "t15"."tenant",
      "t15"."given_ns",
      "t15"."trace_id",
      "t15"."span_id",
      "t15"."response_id",
      "t15"."parent_span_id",
      "t15"."session_id",
      "t15"."metric",
      "t15"."rater",
      "t15"."source",
      "t15"."channel",
      "t15"."key_id",
      "t15"."at_ns",
      "t15"."supersedes",
      "t15"."rank",
      "t15"."choice",
      "t15"."span_start",
      "t15"."span_end",
      "t15"."range_low",
      "t15"."range_high",
      "t15"."direction",
      "t11"."chunk",
      "t11"."earlier_id"
    FROM (
      SELECT
        "t13"."item_no",
        "t13"."feedback_id",
        "t13"."item",
        "t13"."kind",
        "t13"."value_json",
        "t13"."tenant",
        "t13"."given_ns",
        "t13"."trace_id",
        "t13"."span_id",
        "t13"."response_id",
        "t13"."parent_span_id",
        "t13"."session_id",
        "t13"."metric",
        "t13"."rater",
        "t13"."source",
        "t13"."channel",
        "t13"."key_id",
        "t13"."at_ns",
        "t13"."supersedes",
        "t13"."rank",
        "t13"."choice",
        "t13"."span_start",
        "t13"."span_end",
        "t13"."range_low",
        "t13"."range_high",
        "t13"."direction"
      FROM (
        SELECT
          "t12".*
          EXCLUDE ("nth")
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t6"."feedback_id",
              "t6"."item",
              "t6"."kind",
              "t6"."value_json",
              "t6"."tenant",
              "t6"."given_ns",
              "t6"."trace_id",
              "t6"."span_id",
              "t6"."response_id",
              "t6"."parent_span_id",
              "t6"."session_id",
              "t6"."metric",
              "t6"."rater",
              "t6"."source",
              "t6"."channel",
              "t6"."key_id",
              "t6"."at_ns",
              "t6"."supersedes",
              "t6"."rank",
              "t6"."choice",
              "t6"."span_start",
              "t6"."span_end",
              "t6"."range_low",
              "t6"."range_high",
              "t6"."direction",
              "t6"."request_span_id",
              "t6"."item_no",
              ROW_NUMBER() OVER (
                PARTITION BY "t6"."feedback_id", "t6"."item_no"
                ORDER BY COALESCE("t6"."given_ns", 0) ASC, COALESCE("t6"."request_span_id", '') ASC
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
              ) - 1 AS "nth"
            FROM (
              SELECT
                "t0"."feedback_id",
                "t0"."item",
                "t0"."kind",
                "t0"."value_json",
                "t0"."tenant",
                "t0"."given_ns",
                "t0"."trace_id",
                "t0"."span_id",
                "t0"."response_id",
                "t0"."parent_span_id",
                "t0"."session_id",
                "t0"."metric",
                "t0"."rater",
                "t0"."source",
                "t0"."channel",
                "t0"."key_id",
                "t0"."at_ns",
                "t0"."supersedes",
                "t0"."rank",
                "t0"."choice",
                "t0"."span_start",
                "t0"."span_end",
                "t0"."range_low",
                "t0"."range_high",
                "t0"."direction",
                "t0"."request_span_id",
                COALESCE("t0"."item", -1) AS "item_no"
              FROM "feedback" AS "t0"
              WHERE
                COALESCE("t0"."supersedes", '') <> ''
            ) AS "t6"
          ) AS "t9"
          WHERE
            "t9"."nth" = 0
        ) AS "t12"
      ) AS "t13"
    ) AS "t15"
    INNER JOIN (
      SELECT DISTINCT
        "t8"."chunk",
        "t8"."feedback_id" AS "earlier_id"
      FROM (
        SELECT
          "t5"."chunk",
          "t7"."feedback_id",
          "t7"."item_no",
          "t7"."place",
          "t7"."trace_id" AS "call_trace_id",
          "t7"."span_id" AS "call_span_id"
        FROM (
          SELECT
            *
          FROM "fits" AS "t1"
          WHERE
            "t1"."call_count" = 1
        ) AS "t7"
        INNER JOIN (
          SELECT
            "t2"."chunk",
            "t2"."trace_id",
            "t2"."span_id"
          FROM "touched" AS "t2"
        ) AS "t5"
          ON "t7"."trace_id" = "t5"."trace_id" AND "t7"."span_id" = "t5"."span_id"
      ) AS "t8"
    ) AS "t11"
      ON "t15"."supersedes" = "t11"."earlier_id"
  ) AS "t16"
) AS "t17"
WHERE
  "t17"."place" < 1000
ORDER BY
  "t17"."chunk" ASC,
  "t17"."given_ns" ASC,
  "t17"."feedback_id" ASC,
  "t17"."item_no" ASC
