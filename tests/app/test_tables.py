"""Tables that are only read: what is shown is what the columns write, and what is sorted and saved are the values."""

from __future__ import annotations

import json

import pyarrow as pa
from streamlit.testing.v1 import AppTest

from tests.pictures.hostile import HOSTILE


def _script() -> None:
    import numpy as np
    import pandas as pd

    from app.components.tables import number_table, words_table
    from surge.pictures.html_parts import Column
    from tests.pictures.hostile import HOSTILE

    columns = {
        "share": Column("Share", lambda value: f"{value:.0%}", "Of all.", number=True),
        "name": Column("Name", long=True),
        "rank": Column("Rank", lambda value: f"#{value}", number=True),
        "absent": Column("Absent"),
    }
    count = len(HOSTILE)
    ranks = pd.array([pd.NA, *range(2, count + 1)], dtype="Int64")
    share = [0.25, np.nan, *[0.5] * (count - 2)]
    frame = pd.DataFrame({"name": HOSTILE, "rank": ranks, "share": share, "hidden": "x"})
    number_table(frame, columns, "numbers", pinned="name", height=200)
    words_table(frame, columns, "words")


def test_a_grid_shows_what_its_columns_write_and_holds_the_values() -> None:
    page = AppTest.from_function(_script, default_timeout=60).run()
    assert not page.exception
    grid = page.dataframe[0]
    assert list(grid.value) == ["share", "name", "rank"] and grid.value["name"].tolist() == [*HOSTILE]
    assert grid.value["share"].tolist()[0] == 0.25 and grid.value["share"].isna().tolist()[:2] == [False, True]
    shown = pa.ipc.open_stream(grid.proto.arrow_data.styler.display_values).read_pandas()
    assert shown["share"].tolist()[:3] == ["25%", "–", "50%"] and shown["rank"].tolist()[:2] == ["–", "#2"]
    assert shown["name"].tolist() == [*HOSTILE] and grid.proto.alt == "numbers"
    heads = json.loads(grid.proto.columns)
    assert [heads[name]["pinned"] for name in ("share", "name", "rank")] == [False, True, False]
    assert heads["share"]["label"] == "Share" and heads["share"]["help"] == "Of all."


def _sizes() -> None:
    import pandas as pd

    from app.components.tables import MOST_WRITTEN, number_table
    from surge.pictures.html_parts import Column

    columns = {"value": Column("Value", lambda value: f"{value:.1f}", number=True)}
    for rows in (0, MOST_WRITTEN, 600_000):
        number_table(pd.DataFrame({"value": [0.25] * rows}), columns, f"{rows}")


def test_tables_of_any_size_are_shown() -> None:
    page = AppTest.from_function(_sizes, default_timeout=120).run()
    assert not page.exception and [len(grid.value) for grid in page.dataframe] == [0, 50_000, 600_000]
    assert [grid.proto.arrow_data.HasField("styler") for grid in page.dataframe] == [True, True, False]


def test_words_are_text() -> None:
    page = AppTest.from_function(_script, default_timeout=60).run()
    html = page.get("html")[0].proto.body
    assert "25%" in html and "Absent" not in html and "<script" not in html and "<img" not in html
