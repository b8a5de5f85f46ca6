WITH "t17" AS (
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t13"."feedback_id" AS "feedback_id",
        "t13"."item_no" AS "item_no",
        COALESCE("t13"."given_ns", 0) AS "given_ns",
        CAST(0 AS Nullable(Int64)) AS "rank",
        CASE
          WHEN COALESCE("t13"."response_id", '') <> ''
          THEN 'response'
          ELSE CASE
            WHEN (
              COALESCE("t13"."span_id", '') <> ''
            )
            OR (
              COALESCE("t13"."parent_span_id", '') <> ''
            )
            THEN 'span'
            ELSE 'trace'
          END
        END AS "by",
        COALESCE("t13"."tenant", '') AS "tenant",
        CASE
          WHEN COALESCE("t13"."response_id", '') <> ''
          THEN COALESCE("t13"."response_id", '')
          ELSE COALESCE("t13"."trace_id", '')
        END AS "name",
        CASE
          WHEN COALESCE("t13"."response_id", '') <> ''
          THEN ''
          ELSE CASE
            WHEN COALESCE("t13"."span_id", '') <> ''
            THEN COALESCE("t13"."span_id", '')
            ELSE COALESCE("t13"."parent_span_id", '')
          END
        END AS "part"
      FROM (
        SELECT
          "t12".*
          EXCEPT ("nth")
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t4"."feedback_id" AS "feedback_id",
              "t4"."item" AS "item",
              "t4"."kind" AS "kind",
              "t4"."given_ns" AS "given_ns",
              "t4"."request_span_id" AS "request_span_id",
              "t4"."tenant" AS "tenant",
              "t4"."trace_id" AS "trace_id",
              "t4"."span_id" AS "span_id",
              "t4"."response_id" AS "response_id",
              "t4"."parent_span_id" AS "parent_span_id",
              "t4"."item_no" AS "item_no",
              ROW_NUMBER() OVER (
                PARTITION BY "t4"."feedback_id", "t4"."item_no"
                ORDER BY COALESCE("t4"."given_ns", 0) ASC, COALESCE("t4"."request_span_id", '') ASC
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
              ) - 1 AS "nth"
            FROM (
              SELECT
                "t1"."feedback_id" AS "feedback_id",
                "t1"."item" AS "item",
                "t1"."kind" AS "kind",
                "t1"."given_ns" AS "given_ns",
                "t1"."request_span_id" AS "request_span_id",
                "t1"."tenant" AS "tenant",
                "t1"."trace_id" AS "trace_id",
                "t1"."span_id" AS "span_id",
                "t1"."response_id" AS "response_id",
                "t1"."parent_span_id" AS "parent_span_id",
                COALESCE("t1"."item", -1) AS "item_no"
              FROM "feedback" AS "t1"
            ) AS "t4"
          ) AS "t11"
          WHERE
            "t11"."nth" = 0
        ) AS "t12"
      ) AS "t13"
      WHERE
        "t13"."kind" <> 'retraction'
    ) AS "t15"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t13"."feedback_id" AS "feedback_id",
        "t13"."item_no" AS "item_no",
        COALESCE("t13"."given_ns", 0) AS "given_ns",
        CAST(1 AS Nullable(Int64)) AS "rank",
        'parent' AS "by",
        COALESCE("t13"."tenant", '') AS "tenant",
        COALESCE("t13"."trace_id", '') AS "name",
        COALESCE("t13"."parent_span_id", '') AS "part"
      FROM (
        SELECT
          "t12".*
          EXCEPT ("nth")
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t4"."feedback_id" AS "feedback_id",
              "t4"."item" AS "item",
              "t4"."kind" AS "kind",
              "t4"."given_ns" AS "given_ns",
              "t4"."request_span_id" AS "request_span_id",
              "t4"."tenant" AS "tenant",
              "t4"."trace_id" AS "trace_id",
              "t4"."span_id" AS "span_id",
              "t4"."response_id" AS "response_id",
              "t4"."parent_span_id" AS "parent_span_id",
              "t4"."item_no" AS "item_no",
              ROW_NUMBER() OVER (
                PARTITION BY "t4"."feedback_id", "t4"."item_no"
                ORDER BY COALESCE("t4"."given_ns", 0) ASC, COALESCE("t4"."request_span_id", '') ASC
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
              ) - 1 AS "nth"
            FROM (
              SELECT
                "t1"."feedback_id" AS "feedback_id",
                "t1"."item" AS "item",
                "t1"."kind" AS "kind",
                "t1"."given_ns" AS "given_ns",
                "t1"."request_span_id" AS "request_span_id",
                "t1"."tenant" AS "tenant",
                "t1"."trace_id" AS "trace_id",
                "t1"."span_id" AS "span_id",
                "t1"."response_id" AS "response_id",
                "t1"."parent_span_id" AS "parent_span_id",
                COALESCE("t1"."item", -1) AS "item_no"
              FROM "feedback" AS "t1"
            ) AS "t4"
          ) AS "t11"
          WHERE
            "t11"."nth" = 0
        ) AS "t12"
      ) AS "t13"
      WHERE
        "t13"."kind" <> 'retraction'
        AND NOT (
          COALESCE("t13"."response_id", '') <> ''
        )
        AND NOT (
          COALESCE("t13"."span_id", '') <> ''
        )
        AND COALESCE("t13"."parent_span_id", '') <> ''
    ) AS "t14"
  ) AS "t16"
  WHERE
    "t16"."name" <> ''
)
SELECT
  "t27"."feedback_id" AS "feedback_id",
  "t27"."item_no" AS "item_no",
  "t27"."call_count" AS "call_count",
  "t27"."trace_id" AS "trace_id",
  "t27"."span_id" AS "span_id",
  ROW_NUMBER() OVER (
    PARTITION BY "t27"."trace_id", "t27"."span_id", "t27"."call_count" = 1
    ORDER BY "t27"."given_ns" DESC, "t27"."feedback_id" ASC, "t27"."item_no" ASC
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  ) - 1 AS "place"
FROM (
  SELECT
    "t26".*
    EXCEPT ("nth")
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t24"."feedback_id" AS "feedback_id",
        "t24"."item_no" AS "item_no",
        "t24"."rank" AS "rank",
        "t24"."given_ns" AS "given_ns",
        "t24"."call_count" AS "call_count",
        "t24"."trace_id" AS "trace_id",
        "t24"."span_id" AS "span_id",
        ROW_NUMBER() OVER (
          PARTITION BY "t24"."feedback_id", "t24"."item_no"
          ORDER BY "t24"."rank" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) - 1 AS "nth"
      FROM (
        SELECT
          "t19"."feedback_id" AS "feedback_id",
          "t19"."item_no" AS "item_no",
          "t19"."rank" AS "rank",
          "t19"."given_ns" AS "given_ns",
          "t23"."call_count" AS "call_count",
          "t23"."trace_id" AS "trace_id",
          "t23"."span_id" AS "span_id"
        FROM "t17" AS "t19"
        INNER JOIN (
          SELECT
            "t21"."by" AS "by",
            "t21"."tenant" AS "tenant",
            "t21"."name" AS "name",
            "t21"."part" AS "part",
            COUNT(*) AS "call_count",
            MIN("t21"."trace_id") AS "trace_id",
            MIN("t21"."span_id") AS "span_id"
          FROM (
            SELECT
              "t10"."trace_id" AS "trace_id",
              "t10"."span_id" AS "span_id",
              "t10"."by" AS "by",
              "t10"."tenant" AS "tenant",
              "t10"."name" AS "name",
              "t10"."part" AS "part"
            FROM (
              SELECT
                *
              FROM (
                SELECT
                  *
                FROM (
                  SELECT
                    *
                  FROM (
                    SELECT
                      "t0"."trace_id" AS "trace_id",
                      "t0"."span_id" AS "span_id",
                      'response' AS "by",
                      COALESCE("t0"."tenant", '') AS "tenant",
                      COALESCE("t0"."response_id", '') AS "name",
                      '' AS "part"
                    FROM "calls" AS "t0"
                    WHERE
                      COALESCE("t0"."response_id", '') <> ''
                  ) AS "t6"
                  UNION ALL
                  SELECT
                    *
                  FROM (
                    SELECT
                      "t0"."trace_id" AS "trace_id",
                      "t0"."span_id" AS "span_id",
                      'trace' AS "by",
                      COALESCE("t0"."tenant", '') AS "tenant",
                      COALESCE("t0"."trace_id", '') AS "name",
                      '' AS "part"
                    FROM "calls" AS "t0"
                  ) AS "t3"
                ) AS "t7"
                UNION ALL
                SELECT
                  *
                FROM (
                  SELECT
                    "t0"."trace_id" AS "trace_id",
                    "t0"."span_id" AS "span_id",
                    'span' AS "by",
                    COALESCE("t0"."tenant", '') AS "tenant",
                    COALESCE("t0"."trace_id", '') AS "name",
                    COALESCE("t0"."span_id", '') AS "part"
                  FROM "calls" AS "t0"
                ) AS "t2"
              ) AS "t8"
              UNION ALL
              SELECT
                *
              FROM (
                SELECT
                  "t0"."trace_id" AS "trace_id",
                  "t0"."span_id" AS "span_id",
                  'parent' AS "by",
                  COALESCE("t0"."tenant", '') AS "tenant",
                  COALESCE("t0"."trace_id", '') AS "name",
                  COALESCE("t0"."parent_span_id", '') AS "part"
                FROM "calls" AS "t0"
                WHERE
                  COALESCE("t0"."parent_span_id", '') <> ''
              ) AS "t5"
            ) AS "t10"
            LEFT SEMI JOIN "t17" AS "t20"
              ON "t10"."by" = "t20"."by"
              AND "t10"."tenant" = "t20"."tenant"
              AND "t10"."name" = "t20"."name"
              AND "t10"."part" = "t20"."part"
          ) AS "t21"
          GROUP BY
            "t21"."by",
            "t21"."tenant",
            "t21"."name",
            "t21"."part"
        ) AS "t23"
          ON "t19"."by" = "t23"."by"
          AND "t19"."tenant" = "t23"."tenant"
          AND "t19"."name" = "t23"."name"
          AND "t19"."part" = "t23"."part"
      ) AS "t24"
    ) AS "t25"
    WHERE
      "t25"."nth" = 0
  ) AS "t26"
) AS "t27"
