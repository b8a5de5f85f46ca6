SELECT
  *
FROM (
  SELECT
    "t4"."trace_id" AS "trace_id",
    "t4"."span_id" AS "span_id",
    "t4"."parent_span_id" AS "parent_span_id",
    "t4"."tenant" AS "tenant",
    "t4"."session_id" AS "session_id",
    "t4"."user" AS "user",
    "t4"."opened_ns" AS "opened_ns",
    "t4"."api" AS "api",
    "t4"."model" AS "model",
    "t4"."model_served" AS "model_served",
    "t4"."response_id" AS "response_id",
    "t4"."status" AS "status",
    "t4"."outcome" AS "outcome",
    "t4"."message_ids" AS "message_ids",
    "t4"."answer_ids" AS "answer_ids",
    "t4"."tools_id" AS "tools_id",
    "t4"."params_json" AS "params_json",
    "t4"."request_capture" AS "request_capture",
    "t4"."response_capture" AS "response_capture",
    "t4"."erased_ns" AS "erased_ns",
    "t5"."chunk" AS "chunk",
    "t5"."position" AS "position",
    "t5"."prompt" AS "prompt"
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
  ) AS "t4"
  INNER JOIN (
    SELECT
      "t1"."chunk" AS "chunk",
      "t1"."position" AS "position",
      "t1"."prompt" AS "prompt",
      "t1"."trace_id" AS "trace_id",
      "t1"."span_id" AS "span_id"
    FROM "touched" AS "t1"
  ) AS "t5"
    ON "t4"."trace_id" = "t5"."trace_id" AND "t4"."span_id" = "t5"."span_id"
) AS "t6"
ORDER BY
  "t6"."chunk" ASC,
  "t6"."position" ASC
