#!/usr/bin/env python3
"""A data set translated by plae in an Apache Spark job.

    spark-submit spark.py ROWS OUT [OPTION OF PLAE TRANSLATE...]

ROWS are JSON objects, a line each, with the Thai under `text`; OUT gets them as Parquet with the columns `translation`,
`flags` and `error` besides their own. plae and its model are on each worker; no text leaves the cluster.
"""

import os
import shlex
import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import struct, to_json
from pyspark.sql.types import ArrayType, StringType, StructType

ADDED = StructType().add("translation", StringType()).add("flags", ArrayType(StringType())).add("error", StringType())

# plae ends with 1 where some rows failed, which have their `error`; anything else it cannot do fails the task.
PIPE = 'plae translate --from jsonl --format jsonl "$@" - || [ $? -eq 1 ]'
# What the workers' plae finds itself and its models by: Spark hands a pipe no environment of its own.
VARIABLES = ("PATH", "HOME", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "PLAE_CACHE", "PLAE_OFFLINE", "RAYON_NUM_THREADS")


def translated(rows, options):
    """The rows of a DataFrame with their translations."""
    fields = [field for field in rows.schema if field.name not in ADDED.names]
    schema = StructType(fields + ADDED.fields)
    environment = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    command = shlex.join(["sh", "-c", PIPE, "plae", *options])
    lines = rows.select(to_json(struct("*"))).rdd.map(lambda row: row[0]).pipe(command, environment, checkCode=True)
    return rows.sparkSession.read.schema(schema).json(lines)


def main(source, target, *options):
    spark = SparkSession.builder.appName("plae").getOrCreate()
    # Each partition is one plae with the model in memory: as many as the cluster runs at once, and not one more.
    rows = spark.read.json(source).repartition(spark.sparkContext.defaultParallelism)
    translated(rows, options).write.mode("overwrite").parquet(target)
    missing = rows.count() - spark.read.parquet(target).count()
    spark.stop()
    if missing:
        sys.exit(f"{missing} rows are missing: see the executors' standard error")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
