"""Parquet files of others: read as polars reads them, or refused by one exception, whatever their bytes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from surge.data.parquet import UnreadableError, read_outline, read_parquet

TABLE = pl.DataFrame(
    {
        "user": ["u1", "ü2", "u3"],
        "step": [1, None, 3],
        "score": [0.5, float("nan"), float("inf")],
        "candidates": [["a", "b"], [], None],
    }
)


def content(table: pl.DataFrame = TABLE, **options: object) -> bytes:
    stream = io.BytesIO()
    table.write_parquet(stream, **options)  # type: ignore[arg-type]
    return stream.getvalue()


@pytest.mark.parametrize("compression", ["zstd", "snappy", "uncompressed"])
def test_a_table_comes_back_as_it_was(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "table[1].parquet"  # no pattern
    path.write_bytes(content(compression=compression))
    for source in (path, path.read_bytes()):
        assert read_parquet(source).equals(TABLE)
        assert read_parquet(source).schema == TABLE.schema
        assert read_parquet(source, ["score", "user"]).equals(TABLE.select("score", "user"))


def test_an_outline_tells_types_rows_and_metadata() -> None:
    outline = read_outline(content(metadata={"maker": "me"}))
    assert (outline.schema, outline.rows, outline.metadata["maker"]) == (TABLE.schema, 3, "me")


@pytest.mark.parametrize("read", [read_parquet, read_outline])
def test_what_is_no_file_of_this_kind_is_refused(tmp_path: Path, read: object) -> None:
    text = tmp_path / "text.parquet"
    text.write_text("user,item\n")
    for source in (tmp_path, tmp_path / "none.parquet", text, b"", b"PAR1"):
        with pytest.raises(UnreadableError) as refusal:
            read(source)  # type: ignore[operator]
        assert "\n" not in str(refusal.value)


def test_a_column_that_is_missing_is_refused() -> None:
    with pytest.raises(UnreadableError):
        read_parquet(content(TABLE.drop("step")), ["user", "step"])


def test_damage_is_refused_or_read_and_never_ends_the_process() -> None:
    rng, whole, refused = np.random.default_rng(0), content(), 0
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= int(rng.integers(1, 256))
        try:
            read_parquet(bytes(damaged)).to_dicts()
        except UnreadableError:
            refused += 1
    assert len(whole) > refused > len(whole) / 10
