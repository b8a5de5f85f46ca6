SELECT
  *
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
    "t12"."chunk",
    "t12"."call_trace_id",
    "t12"."call_span_id"
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
        "t11".*
        EXCLUDE ("nth")
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t4"."feedback_id",
            "t4"."item",
            "t4"."kind",
            "t4"."value_json",
            "t4"."tenant",
            "t4"."given_ns",
            "t4"."trace_id",
            "t4"."span_id",
            "t4"."response_id",
            "t4"."parent_span_id",
            "t4"."session_id",
            "t4"."metric",
            "t4"."rater",
            "t4"."source",
            "t4"."channel",
            "t4"."key_id",
            "t4"."at_ns",
            "t4"."supersedes",
            "t4"."rank",
            "t4"."choice",
            "t4"."span_start",
            "t4"."span_end",
            "t4"."range_low",
            "t4"."range_high",
            "t4"."direction",
            "t4"."request_span_id",
            "t4"."item_no",
            ROW_NUMBER() OVER (
              PARTITION BY "t4"."feedback_id", "t4"."item_no"
              ORDER BY COALESCE("t4"."given_ns", 0) ASC, COALESCE("t4"."request_span_id", '') ASC
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
          ) AS "t4"
        ) AS "t9"
        WHERE
          "t9"."nth" = 0
      ) AS "t11"
    ) AS "t13"
  ) AS "t15"
  INNER JOIN (
    SELECT
      "t8"."chunk",
      "t8"."feedback_id",
      "t8"."item_no",
      "t8"."call_trace_id",
      "t8"."call_span_id"
    FROM (
      SELECT
        "t6"."chunk",
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
      ) AS "t6"
        ON "t7"."trace_id" = "t6"."trace_id" AND "t7"."span_id" = "t6"."span_id"
    ) AS "t8"
    WHERE
      "t8"."place" < 1000
  ) AS "t12"
    ON "t15"."feedback_id" = "t12"."feedback_id" AND "t15"."item_no" = "t12"."item_no"
) AS "t16"
ORDER BY
  "t16"."chunk" ASC,
  "t16"."given_ns" ASC,
  "t16"."feedback_id" ASC,
  "t16"."item_no" ASC
