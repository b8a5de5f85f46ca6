SELECT
  *
FROM (
  SELECT
    "t11"."chunk" AS "chunk",
    "t5"."trace_id" AS "trace_id",
    "t5"."span_id" AS "span_id",
    "t5"."parent_span_id" AS "parent_span_id",
    "t5"."tenant" AS "tenant",
    "t5"."session_id" AS "session_id",
    "t5"."user" AS "user",
    "t5"."opened_ns" AS "opened_ns",
    "t5"."api" AS "api",
    "t5"."model" AS "model",
    "t5"."model_served" AS "model_served",
    "t5"."response_id" AS "response_id",
    "t5"."status" AS "status",
    "t5"."outcome" AS "outcome",
    "t5"."message_ids" AS "message_ids",
    "t5"."answer_ids" AS "answer_ids",
    "t5"."tools_id" AS "tools_id",
    "t5"."params_json" AS "params_json",
    "t5"."request_capture" AS "request_capture",
    "t5"."response_capture" AS "response_capture",
    "t5"."erased_ns" AS "erased_ns"
  FROM (
    SELECT
      "t0"."trace_id" AS "trace_id",
      "t0"."span_id" AS "span_id",
      "t0"."parent_span_id" AS "parent_span_id",
      "t0"."tenant" AS "tenant",
      "t0"."session_id" AS "session_id",
      "t0"."user" AS "user",
      "t0"."opened_ns" AS "opened_ns",
      "t0"."api" AS "api",
      "t0"."model" AS "model",
      "t0"."model_served" AS "model_served",
      "t0"."response_id" AS "response_id",
      "t0"."status" AS "status",
      "t0"."outcome" AS "outcome",
      "t0"."message_ids" AS "message_ids",
      "t0"."answer_ids" AS "answer_ids",
      "t0"."tools_id" AS "tools_id",
      "t0"."params_json" AS "params_json",
      "t0"."request_capture" AS "request_capture",
      "t0"."response_capture" AS "response_capture",
      "t0"."erased_ns" AS "erased_ns"
    FROM "calls" AS "t0"
  ) AS "t5"
  INNER JOIN (
    SELECT DISTINCT
      *
    FROM (
      SELECT
        "t7"."chunk" AS "chunk",
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
          "t2"."chunk" AS "chunk",
          "t2"."trace_id" AS "trace_id",
          "t2"."span_id" AS "span_id"
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
