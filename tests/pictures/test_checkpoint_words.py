"""Two models in two sentences: metrics and settings written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from surge.config import PARTS, ModelConfig, TrainingConfig, from_dict, names, to_dict
from surge.pictures.checkpoint_words import SETTINGS, metrics_sentence, settings_sentence
from surge.vocabulary.amounts import number_in

NAMES = ("demo", "mine")


def of_test(**values: Any) -> dict[str, Any]:
    return {"validation": {"gauc": 0.1}, "test": {"auc": 0.9, **values}}


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (
            of_test(gauc=0.8757, mrr=0.3563),
            of_test(gauc=0.8618, mrr=0.2565),
            "On the same test data demo ranks better (GAUC 0.876 against 0.862, MRR 0.356 against 0.257; higher is "
            "better).",
        ),
        (
            of_test(gauc=0.8, mrr=0.4, **{"catalogue_ndcg@10": 0.15}),
            of_test(gauc=0.9, mrr=0.4, **{"catalogue_ndcg@10": 0.105}),
            "On the same test data demo has the better NDCG@10 among all items (0.150 against 0.105), mine has the "
            "better GAUC (0.900 against 0.800).",
        ),
        (
            of_test(gauc=0.8),
            of_test(gauc=0.9, mrr=0.3),
            "On the same test data mine ranks better (GAUC 0.900 against 0.800; higher is better).",
        ),
        (
            of_test(gauc=0.8, mrr=0.4),
            of_test(gauc=0.9, mrr=0.3),
            "On the same test data mine has the better GAUC (0.900 against 0.800), demo has the better MRR (0.400 "
            "against 0.300).",
        ),
        (
            of_test(gauc=0.8, mrr=0.3),
            of_test(gauc=0.8001, mrr=0.3),
            "On the same test data the two rank equally well (GAUC 0.800 and MRR 0.300).",
        ),
        (
            of_test(gauc=0.8),
            of_test(mrr=0.3),
            "The two hold different metrics, so their figures don't compare: demo has GAUC 0.800 and mine has MRR "
            "0.300.",
        ),
        (
            {},
            of_test(gauc=0.8, mrr=0.3),
            "demo holds no test metrics until `python -m surge evaluate` measures them, so it can't be said which "
            "predicts better; mine has GAUC 0.800 and MRR 0.300.",
        ),
        (
            of_test(gauc=0.8),
            {"test": {"gauc": True, "mrr": float("nan")}},
            "mine holds no test metrics until `python -m surge evaluate` measures them, so it can't be said which "
            "predicts better; demo has GAUC 0.800.",
        ),
        (
            {"test": [1]},
            {"test": {"gauc": "0.8"}},
            "Neither checkpoint holds test metrics, so it can't be said which predicts better; `python -m surge "
            "evaluate` measures them.",
        ),
    ],
)
def test_which_ranks_better(first: dict[str, Any], second: dict[str, Any], words: str) -> None:
    assert metrics_sentence(first, second, NAMES) == words


def test_figures_of_other_data_are_not_compared() -> None:
    assert metrics_sentence(of_test(gauc=0.8), of_test(gauc=0.9), NAMES, same_data=False) == (
        "The two were not tested on the same data, so their figures don't compare: demo has GAUC 0.800 and mine has "
        "GAUC 0.900."
    )


def settings(**changes: Any) -> dict[str, Any]:
    return to_dict(from_dict(ModelConfig, {"item_count": 2000, "category_count": 40} | changes))


TRAINING = to_dict(TrainingConfig())


def test_settings_that_differ_are_named_in_words() -> None:
    printed = settings(position="none", flatten="index", gate="absolute")
    assert settings_sentence((settings(), printed), (TRAINING, TRAINING), NAMES) == (
        "They differ in these settings (demo / mine): order of items (position: recency / none); order of clusters "
        "(flatten: time / index) and how importance scales the update gate (gate: relative / absolute)."
    )
    shuffled = to_dict(TrainingConfig(learning_rate=0.001, instances_per_epoch=24_000))
    assert settings_sentence((settings(), settings(readout=False, clusters=(30, 10))), (TRAINING, shuffled), NAMES) == (
        "They differ in these settings (demo / mine): interest clusters (clusters: 20 / 30, 10); weighted sum of all "
        "items (readout: on / off); examples per epoch (instances_per_epoch: all / 24,000) and learning rate (0.002 / "
        "0.001)."
    )


def test_every_setting_has_words() -> None:
    assert set(SETTINGS) == {name for kind in PARTS.values() for name in names(kind)}


def test_six_settings_are_named_and_the_rest_counted() -> None:
    many = dict.fromkeys(TRAINING, "other")
    told = settings_sentence((settings(), settings()), (TRAINING, many), NAMES)
    assert told.count("other") == 6 and told.endswith(f" and {len(TRAINING) - 6} more.")


def test_the_same_settings_and_settings_of_later_versions() -> None:
    assert settings_sentence((settings(), settings()), (TRAINING, TRAINING), NAMES) == "They have the same settings."
    later = {**TRAINING, "new_one": 3}
    assert settings_sentence((settings(), settings()), (later, {**later, "new_one": 4}), NAMES) == (
        "They differ in these settings (demo / mine): new one (3 / 4)."
    )


@pytest.mark.parametrize("value", [10**400, float("nan"), float("inf"), True, "0.9", None, [0.9]], ids=repr)
def test_what_is_no_number_is_no_test_metric(value: Any) -> None:
    told = metrics_sentence({"test": {"gauc": value}}, {"test": {"gauc": 0.8}}, NAMES)
    assert told.startswith("demo holds no test metrics") and told.endswith("mine has GAUC 0.800.")


def test_a_number_in_a_file_lies_within_its_bounds() -> None:
    assert number_in(5) == 5.0 and number_in(-1e300) == -1e300 and number_in(1.1e300) is None
    assert number_in(0, least=0, most=1) == 0.0 and number_in(1, least=0, most=1) == 1.0
    assert number_in(-0.1, least=0) is None and number_in(1.1, most=1) is None
