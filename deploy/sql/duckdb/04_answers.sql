SELECT
  *
FROM (
  SELECT
    "t4"."trace_id",
    "t4"."span_id",
    "t4"."parent_span_id",
    "t4"."tenant",
    "t4"."session_id",
    "t4"."user",
    "t4"."opened_ns",
    "t4"."api",
    "t4"."model",
    "t4"."model_served",
    "t4"."response_id",
    "t4"."status",
    "t4"."outcome",
    "t4"."message_ids",
    "t4"."answer_ids",
    "t4"."tools_id",
    "t4"."params_json",
    "t4"."request_capture",
    "t4"."response_capture",
    "t4"."erased_ns",
    "t5"."chunk",
    "t5"."position",
    "t5"."prompt"
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
  ) AS "t4"
  INNER JOIN (
    SELECT
      "t1"."chunk",
      "t1"."position",
      "t1"."prompt",
      "t1"."trace_id",
      "t1"."span_id"
    FROM "touched" AS "t1"
  ) AS "t5"
    ON "t4"."trace_id" = "t5"."trace_id" AND "t4"."span_id" = "t5"."span_id"
) AS "t6"
ORDER BY
  "t6"."chunk" ASC,
  "t6"."position" ASC
