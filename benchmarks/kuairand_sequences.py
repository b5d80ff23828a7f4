"""Ordered KuaiRand sequences without all their times, made ready for `python -m surge prepare csv`.

    python -m benchmarks.kuairand_sequences SEQUENCES.parquet OUT.parquet

The public part of the log dates only the last two weeks; before that it has the order of a user's watches. Undated
steps are spread evenly over the user's undated days (8 to 24 April 2022), in their order.
"""

import sys

import polars as pl

FIRST, LAST = 1_649_347_200, 1_650_812_400  # 2022-04-08 00:00 and 2022-04-24 23:00 in UTC+8


def dated(sequences: pl.DataFrame) -> pl.DataFrame:
    """user_id, item_id, timestamp of every step, in order: (user_id, seq_pos, item_id, timestamp or null) given."""
    undated = pl.col("timestamp").is_null()
    place = undated.cum_sum().over("user_id", order_by="seq_pos")
    share = place / (undated.sum().over("user_id") + 1)
    filled = pl.when(undated).then((FIRST + share * (LAST - FIRST)).cast(pl.Int64)).otherwise(pl.col("timestamp"))
    return sequences.select("user_id", "seq_pos", "item_id", timestamp=filled).sort("user_id", "seq_pos")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    dated(pl.read_parquet(sys.argv[1])).write_parquet(sys.argv[2])
