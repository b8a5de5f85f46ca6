SELECT
  *
FROM (
  SELECT
    "t15"."item_no" AS "item_no",
    "t15"."feedback_id" AS "feedback_id",
    "t15"."item" AS "item",
    "t15"."kind" AS "kind",
    "t15"."value_json" AS "value_json",
    "t15"."tenant" AS "tenant",
    "t15"."given_ns" AS "given_ns",
    "t15"."trace_id" AS "trace_id",
    "t15"."span_id" AS "span_id",
    "t15"."response_id" AS "response_id",
    "t15"."parent_span_id" AS "parent_span_id",
    "t15"."session_id" AS "session_id",
    "t15"."metric" AS "metric",
    "t15"."rater" AS "rater",
    "t15"."source" AS "source",
    "t15"."channel" AS "channel",
    "t15"."key_id" AS "key_id",
    "t15"."at_ns" AS "at_ns",
    "t15"."supersedes" AS "supersedes",
    "t15"."rank" AS "rank",
    "t15"."choice" AS "choice",
    "t15"."span_start" AS "span_start",
    "t15"."span_end" AS "span_end",
    "t15"."range_low" AS "range_low",
    "t15"."range_high" AS "range_high",
    "t15"."direction" AS "direction",
    "t12"."chunk" AS "chunk",
    "t12"."call_trace_id" AS "call_trace_id",
    "t12"."call_span_id" AS "call_span_id"
  FROM (
    SELECT
      "t13"."item_no" AS "item_no",
      "t13"."feedback_id" AS "feedback_id",
      "t13"."item" AS "item",
      "t13"."kind" AS "kind",
      "t13"."value_json" AS "value_json",
      "t13"."tenant" AS "tenant",
      "t13"."given_ns" AS "given_ns",
      "t13"."trace_id" AS "trace_id",
      "t13"."span_id" AS "span_id",
      "t13"."response_id" AS "response_id",
      "t13"."parent_span_id" AS "parent_span_id",
      "t13"."session_id" AS "session_id",
      "t13"."metric" AS "metric",
      "t13"."rater" AS "rater",
      "t13"."source" AS "source",
      "t13"."channel" AS "channel",
      "t13"."key_id" AS "key_id",
      "t13"."at_ns" AS "at_ns",
      "t13"."supersedes" AS "supersedes",
      "t13"."rank" AS "rank",
      "t13"."choice" AS "choice",
      "t13"."span_start" AS "span_start",
      "t13"."span_end" AS "span_end",
      "t13"."range_low" AS "range_low",
      "t13"."range_high" AS "range_high",
      "t13"."direction" AS "direction"
    FROM (
      SELECT
        "t11".*
        EXCEPT ("nth")
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t4"."feedback_id" AS "feedback_id",
            "t4"."item" AS "item",
            "t4"."kind" AS "kind",
            "t4"."value_json" AS "value_json",
            "t4"."tenant" AS "tenant",
            "t4"."given_ns" AS "given_ns",
            "t4"."trace_id" AS "trace_id",
            "t4"."span_id" AS "span_id",
            "t4"."response_id" AS "response_id",
            "t4"."parent_span_id" AS "parent_span_id",
            "t4"."session_id" AS "session_id",
            "t4"."metric" AS "metric",
            "t4"."rater" AS "rater",
            "t4"."source" AS "source",
            "t4"."channel" AS "channel",
            "t4"."key_id" AS "key_id",
            "t4"."at_ns" AS "at_ns",
            "t4"."supersedes" AS "supersedes",
            "t4"."rank" AS "rank",
            "t4"."choice" AS "choice",
            "t4"."span_start" AS "span_start",
            "t4"."span_end" AS "span_end",
            "t4"."range_low" AS "range_low",
            "t4"."range_high" AS "range_high",
            "t4"."direction" AS "direction",
            "t4"."request_span_id" AS "request_span_id",
            "t4"."item_no" AS "item_no",
            ROW_NUMBER() OVER (
              PARTITION BY "t4"."feedback_id", "t4"."item_no"
              ORDER BY COALESCE("t4"."given_ns", 0) ASC, COALESCE("t4"."request_span_id", '') ASC
              ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) - 1 AS "nth"
          FROM (
            SELECT
              "t0"."feedback_id" AS "feedback_id",
              "t0"."item" AS "item",
              "t0"."kind" AS "kind",
              "t0"."value_json" AS "value_json",
              "t0"."tenant" AS "tenant",
              "t0"."given_ns" AS "given_ns",
              "t0"."trace_id" AS "trace_id",
              "t0"."span_id" AS "span_id",
              "t0"."response_id" AS "response_id",
              "t0"."parent_span_id" AS "parent_span_id",
              "t0"."session_id" AS "session_id",
              "t0"."metric" AS "metric",
              "t0"."rater" AS "rater",
              "t0"."source" AS "source",
              "t0"."channel" AS "channel",
              "t0"."key_id" AS "key_id",
              "t0"."at_ns" AS "at_ns",
              "t0"."supersedes" AS "supersedes",
              "t0"."rank" AS "rank",
              "t0"."choice" AS "choice",
              "t0"."span_start" AS "span_start",
              "t0"."span_end" AS "span_end",
              "t0"."range_low" AS "range_low",
              "t0"."range_high" AS "range_high",
              "t0"."direction" AS "direction",
              "t0"."request_span_id" AS "request_span_id",
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
      "t8"."chunk" AS "chunk",
      "t8"."feedback_id" AS "feedback_id",
      "t8"."item_no" AS "item_no",
      "t8"."call_trace_id" AS "call_trace_id",
      "t8"."call_span_id" AS "call_span_id"
    FROM (
      SELECT
        "t6"."chunk" AS "chunk",
        "t7"."feedback_id" AS "feedback_id",
        "t7"."item_no" AS "item_no",
        "t7"."place" AS "place",
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
          "t2"."chunk" AS "chunk",
          "t2"."trace_id" AS "trace_id",
          "t2"."span_id" AS "span_id"
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
