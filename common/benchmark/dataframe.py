"""The plain way: PySpark DataFrame functions over text lines, as one writes it first. Not exact at every edge.

One parse with `from_json`, one `explode`, casts and `when` for the reasons, a window over all rows for the duplicates.
"""

from __future__ import annotations

import json
import sys

from common.benchmark.made import DAY, settings_at
from common.clients.spark import session
from common.staging.days import business_day

_RECORD = (
    "order_id string, store_id string, ordered_at string,"
    " lines array<struct<line_no: string, sku: string, quantity: string, unit_price: string>>"
)
_MEMORY = "6g"  # with less it does not get through 10 million lines


def main(folder: str, overrides: list[str]) -> None:
    """Stages the day once and prints its counts as JSON."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    settings = settings_at(folder, [*overrides, f"spark.driver_memory={_MEMORY}"])
    spark, url = session(settings), settings.service("HDFS_URL")
    day = business_day(DAY, settings["business.time_zone"], settings["business.day_ends"])
    skus = spark.read.parquet(f"{url}{folder}/master/sku").withColumn("known_sku", f.lit(True))
    stores = spark.read.parquet(f"{url}{folder}/master/store_id").withColumn("known_store", f.lit(True))
    rows = (
        spark.read.text(f"{url}{folder}/raw/orders/{DAY}/*.jsonl")
        .select("value", f.input_file_name().alias("file"), f.monotonically_increasing_id().alias("line"))
        .withColumn("r", f.from_json("value", _RECORD))
        .select("value", "file", "line", "r.order_id", "r.store_id", "r.ordered_at", f.explode_outer("r.lines").alias("l"))
        .join(f.broadcast(stores), "store_id", how="left")
        .withColumn("sku", f.col("l.sku"))
        .join(f.broadcast(skus), "sku", how="left")
        .withColumn("at", f.try_to_timestamp("ordered_at"))
        .withColumn("line_no", f.expr("try_cast(l.line_no as int)"))
        .withColumn("quantity", f.expr("try_cast(l.quantity as bigint)"))
        .withColumn("unit_price", f.expr("try_cast(l.unit_price as decimal(12,2))"))
    )
    inside = (f.col("at") >= f.lit(day.start)) & (f.col("at") < f.lit(day.end))
    exact = f.col("unit_price") == f.expr("try_cast(l.unit_price as decimal(18,6))")
    reasons = [
        f.when(f.col("order_id").isNull(), "order_id_missing"),
        f.when(~f.coalesce(inside, f.lit(False)), "other_business_date"),
        f.when(f.col("known_store").isNull(), "store_id_unknown"),
        f.when(~f.coalesce(f.col("line_no") >= 1, f.lit(False)), "line_no_invalid"),
        f.when(f.col("known_sku").isNull(), "sku_unknown"),
        f.when(f.col("quantity").isNull() | f.col("l.quantity").rlike("[.e]"), "quantity_invalid"),
        f.when(f.col("quantity") < 0, "quantity_negative").when(f.col("quantity") == 0, "quantity_zero"),
        f.when(~f.coalesce(exact & (f.col("unit_price") >= 0), f.lit(False)), "unit_price_invalid"),
    ]
    judged = rows.withColumn("reasons", f.array_compact(f.array(*reasons))).cache()
    good = judged.where(f.size("reasons") == 0)
    key, content = ["order_id", "line_no"], ["order_id", "line_no", "store_id", "at", "sku", "quantity", "unit_price"]
    settled = (
        good.withColumn("copy", f.row_number().over(Window.partitionBy(*content).orderBy("file", "line")))
        .withColumn("same", f.count("*").over(Window.partitionBy(*content)))
        .withColumn("all", f.count("*").over(Window.partitionBy(*key)))
    )
    accepted = settled.where("all = same and copy = 1").select(*content, "file", "line")
    accepted.write.mode("overwrite").option("compression", "zstd").parquet(f"{url}{folder}/dataframe/accepted")
    conflicts = settled.where("all <> same").withColumn("reasons", f.array(f.lit("conflicting_duplicate")))
    columns = ["file", "line", "value", "reasons"]
    rejected = judged.where(f.size("reasons") > 0).select(*columns).unionByName(conflicts.select(*columns))
    rejected.write.mode("overwrite").option("compression", "zstd").parquet(f"{url}{folder}/dataframe/rejected")
    kept = spark.read.parquet(f"{url}{folder}/dataframe/accepted").count()
    refused = spark.read.parquet(f"{url}{folder}/dataframe/rejected")
    aside = refused.where("reasons = array('quantity_negative')").count()
    total = judged.count()
    refused_rows = refused.count()
    counts = {"accepted": kept, "rejected": refused_rows - aside, "set_aside": aside, "duplicates": total - kept - refused_rows}
    spark.stop()
    print(json.dumps(counts))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
