SELECT
  *
FROM (
  SELECT
    "t11"."chunk",
    "t5"."trace_id",
    "t5"."span_id",
    "t5"."parent_span_id",
    "t5"."tenant",
    "t5"."session_id",
    "t5"."user",
    "t5"."opened_ns",
    "t5"."api",
    "t5"."model",
    "t5"."model_served",
    "t5"."response_id",
    "t5"."status",
    "t5"."outcome",
    "t5"."message_ids",
    "t5"."answer_ids",
    "t5"."tools_id",
    "t5"."params_json",
    "t5"."request_capture",
    "t5"."response_capture",
    "t5"."erased_ns"
  FROM (
    SELECT
      "t0"."trace_id",
      "t0"."span_id",
      "t0"."parent_span_id",
      "t0"."tenant",
      "t0"."session_id",
      "t0"."user",
      "t0"."opened_ns",
      "t0"."api",
      "t0"."model",
      "t0"."model_served",
      "t0"."response_id",
      "t0"."status",
      "t0"."outcome",
      "t0"."message_ids",
      "t0"."answer_ids",
      "t0"."tools_id",
      "t0"."params_json",
      "t0"."request_capture",
      "t0"."response_capture",
      "t0"."erased_ns"
    FROM "calls" AS "t0"
  ) AS "t5"
  INNER JOIN (
    SELECT DISTINCT
      *
    FROM (
      SELECT
        "t7"."chunk",
        "t8"."shown_by_trace_id" AS "by_trace_id",
        "t8"."shown_by_span_id" AS "by_span_id"
      FROM (
        SELECT
          *
        FROM "signals" AS "t1"
        WHERE
          "t1"."fact" = 'signal' AND "t1"."kind" = 'assistant_edit'
      ) AS "t8"
      INNER JOIN (
        SELECT
          "t2"."chunk",
          "t2"."trace_id",
          "t2"."span_id"
        FROM "touched" AS "t2"
      ) AS "t7"
        ON "t8"."trace_id" = "t7"."trace_id" AND "t8"."span_id" = "t7"."span_id"
    ) AS "t9"
  ) AS "t11"
    ON "t5"."trace_id" = "t11"."by_trace_id" AND "t5"."span_id" = "t11"."by_span_id"
) AS "t12"
ORDER BY
  "t12"."chunk" ASC,
  "t12"."trace_id" ASC,
  "t12"."span_id" ASC
