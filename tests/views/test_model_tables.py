"""The model page's tables: metrics side by side, settings in words, groups by length, comparisons from a file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from app.views.model_tables import (
    LARGEST_COMPARISON,
    comparison_table,
    counted_users,
    flat_metrics,
    length_caption,
    length_table,
    metrics_tables,
    settings_table,
)
from surge.config import ModelConfig, TrainingConfig, to_dict
from surge.errors import SurgeError
from tests.views.hostile import HOSTILE

METRICS = {
    "validation": {"auc": 0.5, "own": 2},
    "test": {"auc": 0.75, "instances": 4000, "by length": {"short": {"auc": 0.7}}},
    "explanation": {"users": 300.0, "nmi": 0.8},
    "note": "x",
}


def test_metrics_at_any_depth():
    flat = flat_metrics(METRICS)
    assert ("test by length short", "auc", 0.7) in flat
    assert ("", "note", "x") in flat
    assert flat_metrics({"a": [1], "b": None}) == []


def test_parts_that_measure_the_same_stand_side_by_side():
    tables = metrics_tables({"validation": {"auc": 0.5, "own": 2}, "test": {"auc": 0.75}, "explanation": {"nmi": 0.8}})
    assert [list(table.columns) for table in tables] == [
        ["metric", "part Validation", "part Test", "meaning"],
        ["metric", "part Explanations", "meaning"],
    ]
    assert tables[0].iloc[:, :3].values.tolist() == [["AUC", "0.5000", "0.7500"], ["own", "2", ""]]
    assert tables[1].iloc[0, 1] == "0.8000"
    assert all(tables[0]["meaning"].iloc[0])
    assert metrics_tables({}) == []


def test_counts_are_whole_and_odd_numbers_cost_nothing():
    (table,) = metrics_tables({"test": {"instances": 4000, "users": 300.0, "auc": 1.0, "gauc": float("nan")}})
    assert table["part Test"].tolist() == ["4,000", "300", "1.0000", "nan"]


def test_settings_in_plain_words():
    model = to_dict(ModelConfig(item_count=2000, category_count=40, clusters=(30, 10), fusion="without_query"))
    frame = settings_table(model, to_dict(TrainingConfig()), {"dataset": {"name": "log", "users": 7}, "trained_on": 5})
    said = dict(zip(frame["what"], frame["value"], strict=True))
    assert said["Trained on"] == "log, 7 users" and said["Trained with"] == "5"
    assert said["Catalogue"] == "2,000 items in 40 categories"
    assert said["Graph"] == "the strongest 10 % of item pairs"
    assert said["Interest clusters"] == "30 then 10"
    assert said["Attention"] == "by the surroundings alone"
    assert (frame["meaning"] != "").all()


@pytest.mark.parametrize(
    ("fusion", "words"),
    [
        ("full", "by the candidate alone: the surroundings cancel, as Equation 8 is printed"),
        ("without_query", "even: the surroundings cancel, as Equation 8 is printed"),
        ("without_cluster", "by the candidate alone"),
        ("none", "switched off"),
    ],
)
def test_attention_as_printed_hears_nothing_of_the_surroundings(fusion: str, words: str):
    config = ModelConfig(item_count=2, category_count=1, fusion=fusion, attention_nonlinearity="none")
    said = settings_table(to_dict(config), to_dict(TrainingConfig()), {}).set_index("what")["value"]
    assert said["Attention"] == words


@pytest.mark.parametrize("description", [{}, {"dataset": None}, {"dataset": "x"}, {"dataset": {"users": True}}])
def test_a_description_that_says_little(description: dict[str, Any]):
    model = to_dict(ModelConfig(item_count=2, category_count=1, extraction="none"))
    said = settings_table(model, to_dict(TrainingConfig()), description).set_index("what")["value"]
    assert said["Trained on"] == "a dataset without a name"
    assert said["Interest clusters"] == "none: every item by itself"


# -- by length ------------------------------------------------------------------------------------------


def survey(lengths: list[int], ranks: list[float], periods: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"length": lengths, "next_rank": ranks, "next_period": pd.Series(periods, dtype=object)})


def test_groups_by_length_by_hand():
    frame = survey([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 10, 11, 4, 4, 100, 1], ["test"] * 8)
    table = length_table(frame)
    assert table["length"].tolist() == ["1 to 2 items", "3 to 4 items", "5 to 6 items", "7 to 8 items"]
    assert table["users"].tolist() == [2, 2, 2, 2]
    assert table["hit@10"].tolist() == [1, 0.5, 1, 0.5]
    assert table["mrr"].tolist() == pytest.approx([0.75, (0.1 + 1 / 11) / 2, 0.25, 0.505])
    assert table["median rank"].tolist() == [1.5, 10.5, 4, 50.5]


def test_groups_are_as_even_as_users_of_one_length_allow():
    frame = survey([10, 20, 30, 40, 41, 42, 50, 50, 50, 50, 50, 50, 50], [1] * 13, ["test"] * 13)
    table = length_table(frame)
    assert table["length"].tolist() == ["10 to 20 items", "30 to 40 items", "41 to 42 items", "50 items"]
    assert table["users"].tolist() == [2, 2, 2, 7]
    assert "Users of one length stay in one group; apart from that the groups are as even as can be." in length_caption(
        frame
    )


def test_users_of_one_length_are_one_group():
    table = length_table(survey([50, 50, 50], [1, 1, 20], ["test"] * 3))
    assert table["length"].tolist() == ["50 items"] and table["users"].tolist() == [3]


def test_the_groups_hold_every_counted_user_once():
    rng = np.random.default_rng(3)
    frame = survey(rng.integers(1, 51, 500).tolist(), rng.integers(1, 99, 500).tolist(), ["test"] * 500)
    table = length_table(frame)
    assert table["users"].sum() == 500 and len(table) == 4
    assert (table["hit@10"] * table["users"]).sum() == pytest.approx((frame["next_rank"] <= 10).sum())


def test_only_the_test_period_counts_where_there_is_one():
    frame = survey([1, 2, 3], [1, 1, np.nan], ["train", "test", "test"])
    assert len(counted_users(frame)) == 1
    assert "test period" in length_caption(frame) and "1 of 3 users" in length_caption(frame)
    learned = survey([1, 2], [1, 1], ["train", None])
    assert len(counted_users(learned)) == 2
    assert "may have learned" in length_caption(learned)


def test_nobody_with_a_rank():
    frame = survey([1, 2], [np.nan, np.nan], [None, None])
    assert length_table(frame).empty
    assert "0 of 2 users" in length_caption(frame)


# -- comparisons ----------------------------------------------------------------------------------------


def test_a_comparison_is_one_row_a_variant():
    content = json.dumps(
        [
            {"name": "full", "test": {"auc": 0.9, "mrr": 1}, "seed": 0, "flag": True, "note": "x", "list": [1]},
            {"name": " without\n fusion ", "test": {"auc": 0.8}, "extra": 5},
        ]
    ).encode()
    table = comparison_table(content, "ablations.json")
    assert table.columns.tolist() == ["name", "test auc", "test mrr", "seed", "extra"]
    assert table["name"].tolist() == ["full", "without fusion"]
    assert table["test auc"].tolist() == [0.9, 0.8]
    assert np.isnan(table["test mrr"].iloc[1]) and table["extra"].iloc[1] == 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        b"[]",
        b"null",
        b'[{"auc": 1}]',
        b'[{"name": 5, "auc": 1}]',
        b'[{"name": "  ", "auc": 1}]',
        b'["full"]',
        b'[{"name": "full"}]',
        b'[{"name": "full", "auc": NaN}]',
        b'[{"name": "full", "auc": 1e999}]',
        b'[{"name": "full", "auc": ' + b"9" * 5000 + b"}]",
        json.dumps([{"name": "n", "auc": 1}] * 201).encode(),
        b" " * (LARGEST_COMPARISON + 1),
    ],
    ids=lambda content: repr(content[:30]),
)
def test_what_is_no_comparison_is_refused_with_one_sentence(content: bytes):
    with pytest.raises(SurgeError, match=r"^ablations\.json .*\.$") as refused:
        comparison_table(content, "ablations.json")
    assert "\n" not in str(refused.value)


def test_the_json_of_compare_is_one_row_a_model_with_means_over_seeds():
    runs = [
        {"label": "surge", "seed": 0, "test": {"gauc": 0.8, "mrr": 0.2}},
        {"label": "din", "seed": 0, "test": {"gauc": 0.7, "mrr": 0.1}},
        {"label": "surge", "seed": 1, "test": {"gauc": 0.9, "mrr": 0.4}},
        {"label": "half", "test": 5},
        "no run",
    ]
    table = comparison_table(json.dumps({"format": 1, "runs": runs}).encode(), "baselines.json")
    assert table.columns.tolist() == ["name", "gauc", "mrr"]
    assert table["name"].tolist() == ["surge", "din"]
    assert table["gauc"].tolist() == pytest.approx([0.85, 0.7])
    assert table["mrr"].tolist() == pytest.approx([0.3, 0.1])
    with pytest.raises(SurgeError, match="list of objects"):
        comparison_table(json.dumps({"runs": []}).encode(), "baselines.json")


def test_hostile_names_are_kept_as_they_are_on_one_line():
    content = json.dumps([{"name": name, name: 0.5} for name in HOSTILE]).encode()
    table = comparison_table(content, "baselines.json")
    assert table["name"].tolist() == [" ".join(name.split()) for name in HOSTILE]
    assert all("\n" not in column for column in table.columns)
    deep: dict[str, Any] = {"auc": 1}
    for _ in range(50):
        deep = {"a": deep}
    assert comparison_table(json.dumps([{"name": "n", "x": 1, **deep}]).encode(), "b").columns.tolist() == ["name", "x"]


def test_a_metric_called_name_does_not_replace_the_name():
    table = comparison_table(b'[{"name": "full", " name ": 3, "auc": 1}]', "b.json")
    assert table.columns.tolist() == ["name", "auc"] and table["name"].tolist() == ["full"]


def test_very_many_metrics_are_cut():
    content = json.dumps([{"name": "n", **{f"m{number}": 1 for number in range(500)}}]).encode()
    assert comparison_table(content, "b.json").shape == (1, 41)
