"""The model page's tables: metrics side by side, settings in words, groups by length, comparisons from a file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from surge.config import ModelConfig, TrainingConfig, to_dict
from surge.errors import SurgeError
from surge.pictures.columns import variant_columns
from surge.pictures.comparison_file import LARGEST_COMPARISON, comparison_table
from surge.pictures.length_table import counted_users, length_caption, length_table
from surge.pictures.metrics_tables import MetricsTable, flat_metrics, health, left_out, metrics_tables, unmeasured
from surge.pictures.settings_table import settings_table
from tests.pictures.hostile import HOSTILE

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


def tables_of(metrics: dict[str, Any], **settings: Any) -> list[MetricsTable]:
    return metrics_tables(metrics, items=2000, negatives=99, **settings)


MEASURED: dict[str, Any] = {
    "validation": {
        "auc": 0.5, "mrr": 0.25, "catalogue_hr@10": 0.125, "catalogue_median_rank": 47.5,
        "calibration_error": 0.0031, "calibration_error_first": 0.00004, "reliability_count": [5] * 10,
        "catalogue_instances": 2950,
    },
    "test": {
        "auc": 0.75, "catalogue_hr@10": 0.0854, "catalogue_median_rank": 1041.0, "instances": 4000, "negatives": 99,
        "catalogue_instances": 3000,
    },
    "explanation": {"nmi": 0.8},
}  # fmt: skip


def test_all_items_come_first_then_drawn_ones_then_the_rest():
    first, second, third = tables_of(MEASURED)
    assert [first.title, second.title, third.title] == ["Among all items", "Among drawn items", "Explanations"]
    assert list(first.frame.columns) == ["metric", "part Validation", "part Test", "meaning"]
    assert first.frame.iloc[:, :3].values.tolist() == [
        ["HR@10 among all items", "0.125", "0.085"],
        ["Median rank among all items", "47.5", "1,041"],
        ["Expected calibration error", "0.31 %", ""],
        ["Calibration error of the best item", "under 0.01 %", ""],
    ]
    assert second.frame.iloc[:, :3].values.tolist() == [["AUC", "0.500", "0.750"], ["MRR", "0.250", ""]]
    assert third.frame.iloc[0, 1] == "0.80" and third.says == ""
    assert all(text for table in (first, second, third) for text in table.frame["meaning"])
    assert tables_of({}) == []


def test_the_tables_say_how_they_were_measured():
    first, second, _ = tables_of(MEASURED, seen_left_out=True)
    assert first.says == (
        "Each user's last item of the split, ranked by chance among all 2,000 items: 2,950 users in validation and "
        "3,000 users in test. What the user took before is left out."
    )
    assert second.says == (
        "Each true next item against 99 others: 4,000 lists in test. These others were drawn by popularity, so they "
        "are ranked by the raw score: the chance includes popularity, which would count twice."
    )


def test_one_split_needs_no_name():
    fresh = {"validation": {"catalogue_hr@10": 0.1, "catalogue_instances": 1, "auc": 0.5}}
    first, second = tables_of(fresh)
    assert first.says == "Each user's last item of the split, ranked by chance among all 2,000 items: 1 user."
    assert second.says.startswith("Each true next item against 99 others. These others")
    told = "The true next items of the split, each ranked by chance among all 2,000 items: 1 true next item."
    assert tables_of(fresh, successive=True)[0].says == told
    alike = {split: {"catalogue_hr@10": 0.1, "catalogue_instances": 3000} for split in ("validation", "test")}
    assert tables_of(alike)[0].says.endswith("among all 2,000 items: 3,000 users.")


def test_what_is_not_known_keeps_its_name_and_parts_that_measure_the_same_stand_side_by_side():
    odd = {
        "validation": {"auc": 0.5, "own": 2},
        "test": {"own": 3, "by length": {"short": {"auc": 0.7}}},
        "x": {"z": 1},
    }
    first, second, third, fourth = tables_of(odd)
    assert first.title == "Among drawn items"
    assert (second.title, second.frame.values.tolist()) == ("Validation and Test", [["own", "2", "3", ""]])
    assert (third.title, third.frame.iloc[0, 0], fourth.frame.values.tolist()) == (
        "test by length short",
        "AUC",
        [["z", "1", ""]],
    )


def test_deletion_and_insertion_are_told_as_what_they_do_to_the_lift():
    half = float(np.log(2))
    (table,) = tables_of(
        {
            "explanation": {
                "deletion_area_random": float(np.log(9.1)),
                "deletion_gain_importance": half,
                "insertion_area_attention": float(np.log(0.4)),
                "insertion_gain_leave_one_out": half,
                "deletion_gain_attention": -half,
                "insertion_gain_attention": 0.0,
                "insertion_area_importance": 1e300,
            }
        }
    )
    assert table.frame.iloc[:, :2].values.tolist() == [
        ["Lift as items are deleted in random order", "9.1×"],
        ["Deletion by importance γ", "÷2.0"],
        ["Lift as items are inserted by attention received", "0.40×"],
        ["Insertion by measured effect", "×2.0"],
        ["Deletion by attention received", "×2.0"],
        ["Insertion by attention received", "×1.0"],
        ["Lift as items are inserted by importance γ", f"{1e300:,.0f}"],
    ]


def test_what_the_test_split_left_out():
    whole = {"positives": 12_000, "unknown_positives": 12, "positives_without_history": 40, "cold_positives": 5}
    assert left_out({"test": whole}) == (
        "Left out are true next items of the 12,000 in the test split: 12 of items that the model doesn't know and "
        "40 with no known item before them. 5 true next items of the test split are measured though the model met them "
        "in no training example."
    )
    assert left_out({"test": whole | {"unknown_positives": 0, "cold_positives": 1}}) == (
        "Left out are true next items of the 12,000 in the test split: 40 with no known item before them. 1 true next "
        "item of the test split is measured though the model met it in no training example."
    )
    nothing = {"positives": 12_000, "unknown_positives": 0, "positives_without_history": 0, "cold_positives": 0}
    assert left_out({"test": nothing}) == left_out({}) == left_out({"test": [1]}) == ""
    odd = {"unknown_positives": True, "positives_without_history": float("nan"), "cold_positives": "5"}
    assert left_out({"test": odd}) == left_out({"test": {"cold_positives": -3, "unknown_positives": 1e300}}) == ""


def test_what_was_not_measured_yet():
    until = "; until then, the figures are those of the validation split:"
    command = "This command measures both and stores the figures with the checkpoint"
    assert unmeasured({"validation": {"auc": 0.5}}) == (
        f"Neither the test split nor the explanations of this checkpoint have been measured yet. {command}{until}"
    )
    assert unmeasured({"test": 5, "explanation": {"nmi": 0.5}}) == (
        f"The test split of this checkpoint has not been measured yet. {command}{until}"
    )
    assert unmeasured({"test": {"auc": 0.5}, "explanation": {}}) == (
        f"The explanations of this checkpoint have not been measured yet. {command}:"
    )
    assert unmeasured(MEASURED) == ""
    assert ". This command, in the project's folder, measures both" in unmeasured({}, "in the project's folder")


def test_counts_are_whole_and_odd_numbers_cost_nothing():
    (table, rest) = tables_of(
        {
            "test": {
                "users": 300.0,
                "auc": 1.0,
                "gauc": float("nan"),
                "mrr": "<b>",
                "hr@10": float("inf"),
                "odd": 10**400,
            }
        }
    )
    assert table.frame["part Test"].tolist() == ["1.000", "–", "<b>", "–"]
    assert rest.frame["part Test"].tolist() == ["300", "–"]
    hostile = {"test": dict(zip(HOSTILE, HOSTILE, strict=True))}
    assert tables_of(hostile)[0].frame["metric"].tolist() == [name.replace("_", " ") for name in HOSTILE]


def test_health_reads_what_is_there():
    metrics = {
        "test": {"auc": 0.9, "nmi": 10**400},
        "explanation": {"effective_clusters": 1.2, "assignment_entropy": 0.04, "nmi": float("nan")},
    }
    figures = health(metrics)
    assert figures[["figure", "value"]].values.tolist() == [
        ["Effective clusters", "1.20"],
        ["Blur of the clusters", "4.0 %"],
    ]
    assert "collapsed" in figures["meaning"][0] and "crisp" in figures["meaning"][1]
    assert health({}).empty and health({"nmi": "high", "ari": [1], "x": True}).empty


@pytest.mark.parametrize(
    ("temperature", "words"),
    [
        (1.0, "from the scores as they are"),
        (1.2, "scores divided by a temperature of 1.2, chosen on the validation split"),
        ("x", "from the scores as they are"),
    ],
)
def test_the_settings_say_whether_chances_are_softened(temperature: Any, words: str):
    model = to_dict(ModelConfig(item_count=2, category_count=1))
    frame = settings_table(model, to_dict(TrainingConfig()), {"temperature": temperature})
    assert frame.set_index("what")["value"]["Chances"] == words


def test_settings_in_plain_words():
    model = to_dict(ModelConfig(item_count=2000, category_count=40, clusters=(30, 10))) | {"fusion": "without_query"}
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
        ("without_query", "all neighbours alike: the surroundings cancel, as Equation 8 is printed"),
        ("without_cluster", "by the candidate alone"),
        ("none", "switched off"),
    ],
)
def test_attention_as_printed_hears_nothing_of_the_surroundings(fusion: str, words: str):
    forms = {"fusion": fusion, "attention_nonlinearity": "none"}
    model = to_dict(ModelConfig(item_count=2, category_count=1)) | forms
    said = settings_table(model, to_dict(TrainingConfig()), {}).set_index("what")["value"]
    assert said["Attention"] == words


@pytest.mark.parametrize("description", [{}, {"dataset": None}, {"dataset": "x"}, {"dataset": {"users": True}}])
def test_a_description_that_says_little(description: dict[str, Any]):
    model = to_dict(ModelConfig(item_count=2, category_count=1)) | {"extraction": "none"}
    said = settings_table(model, to_dict(TrainingConfig()), description).set_index("what")["value"]
    assert said["Trained on"] == "a dataset without a name"
    assert said["Interest clusters"] == "none: every item by itself"


def test_where_it_started():
    model = to_dict(ModelConfig(item_count=2, category_count=1))
    start = {"checkpoint": "september", "kept": 1900, "added": 100, "lost": 3}
    frame = settings_table(model, to_dict(TrainingConfig()), {"start": start}).set_index("what")
    assert frame["value"]["Started from"] == "september"
    assert "1,900 known to it, 100 new, 3 of its own not in this dataset" in frame["meaning"]["Started from"]
    assert "Started from" not in settings_table(model, to_dict(TrainingConfig()), {})["what"].to_list()


# -- by length ------------------------------------------------------------------------------------------


def survey(lengths: list[int], ranks: list[float], periods: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"length": lengths, "next_rank": ranks, "next_period": pd.Series(periods, dtype=object)})


def test_groups_by_length_by_hand():
    frame = survey([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 10, 11, 4, 4, 100, 1], ["test"] * 8)
    table = length_table(frame)
    assert table["length"].tolist() == ["1 to 2 items", "3 to 4 items", "5 to 6 items", "7 to 8 items"]
    assert table["users"].tolist() == [2, 2, 2, 2]
    assert table["catalogue_hr@10"].tolist() == [1, 0.5, 1, 0.5]
    assert table["catalogue_mrr"].tolist() == pytest.approx([0.75, (0.1 + 1 / 11) / 2, 0.25, 0.505])
    assert table["catalogue_median_rank"].tolist() == [1.5, 10.5, 4, 50.5]


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
    assert (table["catalogue_hr@10"] * table["users"]).sum() == pytest.approx((frame["next_rank"] <= 10).sum())


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
    assert [column.label for column in variant_columns(table).values()] == [
        "Variant", "Test AUC", "Test MRR", "seed", "extra",
    ]  # fmt: skip
    heads = variant_columns(["name", "valid log_loss", "explanation nmi", "my_own"])
    assert [column.label for column in heads.values()][1:] == [
        "valid Prediction error (log loss)", "Explanations Clusters against true interests (NMI)", "my own",
    ]  # fmt: skip


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
