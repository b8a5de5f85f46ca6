SELECT
  "t17"."chunk" AS "chunk",
  "t17"."item_no" AS "item_no",
  "t17"."feedback_id" AS "feedback_id",
  "t17"."item" AS "item",
  "t17"."kind" AS "kind",
  "t17"."value_json" AS "value_json",
  "t17"."tenant" AS "tenant",
  "t17"."given_ns" AS "given_ns",
  "t17"."trace_id" AS "trace_id",
  "t17"."span_id" AS "span_id",
  "t17"."response_id" AS "response_id",
  "t17"."parent_span_id" AS "parent_span_id",
  "t17"."session_id" AS "session_id",
  "t17"."metric" AS "metric",
  "t17"."rater" AS "rater",
  "t17"."source" AS "source",
  "t17"."channel" AS "channel",
  "t17"."key_id" AS "key_id",
  "t17"."at_ns" AS "at_ns",
  "t17"."supersedes" AS "supersedes",
  "t17"."rank" AS "rank",
  "t17"."choice" AS "choice",
  "t17"."span_start" AS "span_start",
  "t17"."span_end" AS "span_end",
  "t17"."range_low" AS "range_low",
  "t17"."range_high" AS "range_high",
  "t17"."direction" AS "direction"
FROM (
  SELECT
    "t16"."item_no" AS "item_no",
    "t16"."feedback_id" AS "feedback_id",
    "t16"."item" AS "item",
    "t16"."kind" AS "kind",
    "t16"."value_json" AS "value_json",
    "t16"."tenant" AS "tenant",
    "t16"."given_ns" AS "given_ns",
    "t16"."trace_id" AS "trace_id",
    "t16"."span_id" AS "span_id",
    "t16"."response_id" AS "response_id",
    "t16"."parent_span_id" AS "parent_span_id",
    "t16"."session_id" AS "session_id",
    "t16"."metric" AS "metric",
    "t16"."rater" AS "rater",
    "t16"."source" AS "source",
    "t16"."channel" AS "channel",
    "t16"."key_id" AS "key_id",
    "t16"."at_ns" AS "at_ns",
    "t16"."supersedes" AS "supersedes",
    "t16"."rank" AS "rank",
    "t16"."choice" AS "choice",
    "t16"."span_start" AS "span_start",
    "t16"."span_end" AS "span_end",
    "t16"."range_low" AS "range_low",
    "t16"."range_high" AS "range_high",
    "t16"."direction" AS "direction",
    "t16"."chunk" AS "chunk",
    "t16"."earlier_id" AS "earlier_id",
    ROW_NUMBER() OVER (
      PARTITION BY "t16"."chunk", "t16"."supersedes"
      ORDER BY "t16"."given_ns" DESC, "t16"."feedback_id" ASC, "t16"."item_no" ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) - 1 AS "place"
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
      "t11"."chunk" AS "chunk",
      "t11"."earlier_id" AS "earlier_id"
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
          "t12".*
          EXCEPT ("nth")
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t6"."feedback_id" AS "feedback_id",
              "t6"."item" AS "item",
              "t6"."kind" AS "kind",
              "t6"."value_json" AS "value_json",
              "t6"."tenant" AS "tenant",
              "t6"."given_ns" AS "given_ns",
              "t6"."trace_id" AS "trace_id",
              "t6"."span_id" AS "span_id",
              "t6"."response_id" AS "response_id",
              "t6"."parent_span_id" AS "parent_span_id",
              "t6"."session_id" AS "session_id",
              "t6"."metric" AS "metric",
              "t6"."rater" AS "rater",
              "t6"."source" AS "source",
              "t6"."channel" AS "channel",
              "t6"."key_id" AS "key_id",
              "t6"."at_ns" AS "at_ns",
              "t6"."supersedes" AS "supersedes",
              "t6"."rank" AS "rank",
              "t6"."choice" AS "choice",
              "t6"."span_start" AS "span_start",
              "t6"."span_end" AS "span_end",
              "t6"."range_low" AS "range_low",
              "t6"."range_high" AS "range_high",
              "t6"."direction" AS "direction",
              "t6"."request_span_id" AS "request_span_id",
              "t6"."item_no" AS "item_no",
              ROW_NUMBER() OVER (
                PARTITION BY "t6"."feedback_id", "t6"."item_no"
                ORDER BY COALESCE("t6"."given_ns", 0) ASC, COALESCE("t6"."request_span_id", '') ASC
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
        "t8"."chunk" AS "chunk",
        "t8"."feedback_id" AS "earlier_id"
      FROM (
        SELECT
          "t5"."chunk" AS "chunk",
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
