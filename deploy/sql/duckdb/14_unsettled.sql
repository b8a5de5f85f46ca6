WITH "t16" AS (
  SELECT
    *
  FROM (
    SELECT
      "t14"."feedback_id",
      "t14"."trace_id",
      "t14"."tenant_name",
      CASE
        WHEN "t8"."several_id" IS NOT NULL
        THEN 'target_ambiguous'
        ELSE CASE
          WHEN COALESCE("t14"."session_id", '') <> ''
          THEN 'target_is_session'
          ELSE 'target_pending'
        END
      END AS "reason"
    FROM (
      SELECT
        "t12"."feedback_id",
        "t12"."item_no",
        "t12"."trace_id",
        "t12"."session_id",
        COALESCE("t12"."tenant", '') AS "tenant_name"
      FROM (
        SELECT
          "t11".*
          EXCLUDE ("nth")
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t5"."feedback_id",
              "t5"."item",
              "t5"."given_ns",
              "t5"."request_span_id",
              "t5"."tenant",
              "t5"."trace_id",
              "t5"."session_id",
              "t5"."item_no",
              ROW_NUMBER() OVER (
                PARTITION BY "t5"."feedback_id", "t5"."item_no"
                ORDER BY COALESCE("t5"."given_ns", 0) ASC, COALESCE("t5"."request_span_id", '') ASC
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
              ) - 1 AS "nth"
            FROM (
              SELECT
                "t1"."feedback_id",
                "t1"."item",
                "t1"."given_ns",
                "t1"."request_span_id",
                "t1"."tenant",
                "t1"."trace_id",
                "t1"."session_id",
                COALESCE("t1"."item", -1) AS "item_no"
              FROM "feedback" AS "t1"
              WHERE
                "t1"."kind" <> 'retraction'
                AND "t1"."given_ns" >= 0
                AND "t1"."given_ns" < 9223372036854775807
            ) AS "t5"
          ) AS "t10"
          WHERE
            "t10"."nth" = 0
        ) AS "t11"
      ) AS "t12"
    ) AS "t14"
    ANTI JOIN (
      SELECT
        *
      FROM "fits" AS "t0"
      WHERE
        "t0"."call_count" = 1
    ) AS "t7"
      ON "t14"."feedback_id" = "t7"."feedback_id" AND "t14"."item_no" = "t7"."item_no"
    LEFT OUTER JOIN (
      SELECT
        "t0"."feedback_id" AS "several_id",
        "t0"."item_no" AS "several_no"
      FROM "fits" AS "t0"
      WHERE
        "t0"."call_count" > 1
    ) AS "t8"
      ON "t14"."feedback_id" = "t8"."several_id" AND "t14"."item_no" = "t8"."several_no"
  ) AS "t15"
  WHERE
    "t15"."reason" = 'target_pending'
), "t21" AS (
  SELECT DISTINCT
    *
  FROM (
    SELECT
      "t9"."known_id",
      "t9"."known_tenant"
    FROM (
      SELECT
        "t2"."trace_id" AS "known_id",
        COALESCE("t2"."tenant", '') AS "known_tenant"
      FROM "calls" AS "t2"
    ) AS "t9"
    SEMI JOIN "t16" AS "t19"
      ON "t9"."known_id" = "t19"."trace_id"
  ) AS "t20"
)
SELECT DISTINCT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t18"."feedback_id",
      'foreign_tenant' AS "reason"
    FROM "t16" AS "t18"
    SEMI JOIN "t21" AS "t23"
      ON "t18"."trace_id" = "t23"."known_id"
    ANTI JOIN "t21" AS "t24"
      ON "t18"."trace_id" = "t24"."known_id"
      AND "t18"."tenant_name" = "t24"."known_tenant"
  ) AS "t25"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t14"."feedback_id",
      CASE
        WHEN "t8"."several_id" IS NOT NULL
        THEN 'target_ambiguous'
        ELSE CASE
          WHEN COALESCE("t14"."session_id", '') <> ''
          THEN 'target_is_session'
          ELSE 'target_pending'
        END
      END AS "reason"
    FROM (
      SELECT
        "t12"."feedback_id",
        "t12"."item_no",
        "t12"."trace_id",
        "t12"."session_id",
        COALESCE("t12"."tenant", '') AS "tenant_name"
      FROM (
        SELECT
          "t11".*
          EXCLUDE ("nth")
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t5"."feedback_id",
              "t5"."item",
              "t5"."given_ns",
              "t5"."request_span_id",
              "t5"."tenant",
              "t5"."trace_id",
              "t5"."session_id",
              "t5"."item_no",
              ROW_NUMBER() OVER (
                PARTITION BY "t5"."feedback_id", "t5"."item_no"
                ORDER BY COALESCE("t5"."given_ns", 0) ASC, COALESCE("t5"."request_span_id", '') ASC
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
              ) - 1 AS "nth"
            FROM (
              SELECT
                "t1"."feedback_id",
                "t1"."item",
                "t1"."given_ns",
                "t1"."request_span_id",
                "t1"."tenant",
                "t1"."trace_id",
                "t1"."session_id",
                COALESCE("t1"."item", -1) AS "item_no"
              FROM "feedback" AS "t1"
              WHERE
                "t1"."kind" <> 'retraction'
                AND "t1"."given_ns" >= 0
                AND "t1"."given_ns" < 9223372036854775807
            ) AS "t5"
          ) AS "t10"
          WHERE
            "t10"."nth" = 0
        ) AS "t11"
      ) AS "t12"
    ) AS "t14"
    ANTI JOIN (
      SELECT
        *
      FROM "fits" AS "t0"
      WHERE
        "t0"."call_count" = 1
    ) AS "t7"
      ON "t14"."feedback_id" = "t7"."feedback_id" AND "t14"."item_no" = "t7"."item_no"
    LEFT OUTER JOIN (
      SELECT
        "t0"."feedback_id" AS "several_id",
        "t0"."item_no" AS "several_no"
      FROM "fits" AS "t0"
      WHERE
        "t0"."call_count" > 1
    ) AS "t8"
      ON "t14"."feedback_id" = "t8"."several_id" AND "t14"."item_no" = "t8"."several_no"
    ANTI JOIN (
      SELECT
        "t18"."feedback_id",
        "t18"."trace_id",
        "t18"."tenant_name",
        "t18"."reason"
      FROM "t16" AS "t18"
      SEMI JOIN "t21" AS "t23"
        ON "t18"."trace_id" = "t23"."known_id"
      ANTI JOIN "t21" AS "t24"
        ON "t18"."trace_id" = "t24"."known_id"
        AND "t18"."tenant_name" = "t24"."known_tenant"
    ) AS "t27"
      ON "t14"."feedback_id" = "t27"."feedback_id" AND "t14"."trace_id" = "t27"."trace_id"
  ) AS "t28"
) AS "t29"
ORDER BY
  "t29"."feedback_id" ASC,
  "t29"."reason" ASC
