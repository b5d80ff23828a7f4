"""Who takes part: how a model is written, whose settings count, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from surge.comparison.contestants import NAMES, OF_SURGE, SHARED, Contestant, contestants
from surge.config import PRESETS, BaselineConfig, EvaluationConfig, ModelConfig, TrainingConfig, names, read_value
from surge.errors import SurgeError
from surge.recommenders import RECOMMENDERS
from surge.training.data import TrainingData
from tests.training.toy import dataset_of


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """Four users with five items each."""
    return TrainingData.of(dataset_of({f"u{u}": [(f"i{(u + s) % 7}", s) for s in range(5)] for u in range(4)}))


def refused(*texts: str, **shared: Any) -> str:
    with pytest.raises(SurgeError) as problem:
        contestants(texts, shared)
    assert "\n" not in str(problem.value)
    return str(problem.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("none", "none"),
        ("3", 3),
        ("2e-3", 0.002),
        ("false", False),
        ("null", None),
        ("[30,10]", [30, 10]),
        ('"mlp"', "mlp"),
        ("[30,", "[30,"),
        ("", ""),
        ("9" * 5000, "9" * 5000),  # Python reads no such number
    ],
)
def test_a_value_is_json_or_a_word(text: str, value: Any) -> None:
    assert read_value(text) == value
    assert type(read_value(text)) is type(value)


def test_a_model_with_settings_of_itself_and_of_its_training() -> None:
    one = Contestant.parse("surge:fusion=none:clusters=[30,10]:learning_rate=1e-3:readout=false:batch_size=64")
    assert one.name == "surge"
    assert one.label == "surge:fusion=none:clusters=[30,10]:learning_rate=1e-3:readout=false:batch_size=64"
    assert one.model == {"fusion": "none", "clusters": [30, 10], "readout": False}
    assert one.training == {"learning_rate": 0.001, "batch_size": 64}
    assert one.training_config(7) == TrainingConfig(seed=7, learning_rate=0.001, batch_size=64)


def test_a_models_own_settings_come_before_those_of_all() -> None:
    shared = {"clusters": [40], "epochs": 9, "hidden": 12, "max_length": 30, "batch_size": 32}
    surge, ablation, din = contestants(["surge", "surge:clusters=[5]:epochs=2", "din:max_length=10"], shared)
    assert surge.model == {"clusters": [40], "max_length": 30}
    assert ablation.model == {"clusters": [5], "max_length": 30}
    assert (ablation.training_config(0).epochs, ablation.training_config(0).batch_size) == (2, 32)
    assert din.model == {"hidden": 12, "max_length": 10}  # it has no clusters
    assert [one.label for one in (surge, ablation, din)] == [
        "surge",
        "surge:clusters=[5]:epochs=2",
        "din:max_length=10",
    ]


def test_a_preset_is_all_that_is_given_neither_beside_it_nor_before_what_all_share() -> None:
    printed = PRESETS["as-printed"]
    shared = {"fusion": "none", "learning_rate": 0.01, "balance_weight": 0.5}
    whole, changed = contestants(["surge:preset=as-printed", "surge:gate=relative:preset=as-printed"], shared)
    assert whole.model == printed["model"]  # fusion too: what is a model's own comes before what all share
    assert whole.training == {"learning_rate": 0.01, **printed["training"]}
    assert changed.model == {**printed["model"], "gate": "relative"}
    assert changed.label == "surge:gate=relative:preset=as-printed"


def test_a_preset_that_does_not_exist_is_of_a_baseline_or_is_given_twice() -> None:
    assert "There is no preset 'paper'" in refused("surge:preset=paper")
    assert "'preset=as-printed' of the model 'din:preset=as-printed'" in refused("din:preset=as-printed")
    assert "gives preset more than once" in refused("surge:preset=as-printed:preset=as-printed")


def test_a_setting_is_of_the_model_its_training_or_the_evaluation() -> None:
    training, evaluation = set(names(TrainingConfig)), set(names(EvaluationConfig))
    assert not training & evaluation
    for kind in (ModelConfig, BaselineConfig):
        assert not (training | evaluation) & set(names(kind))


@pytest.mark.parametrize("name", NAMES)
def test_every_model_is_built_as_it_is_written(data: TrainingData, name: str) -> None:
    one = Contestant.parse(f"{name}:item_size=6:category_size=2:max_length=4")
    model = one.build(data, 3, torch.device("cpu"))
    assert type(model) is RECOMMENDERS[name]
    assert model.config == one.configuration(data)
    assert (model.config.item_count, model.config.category_count, model.config.item_size) == (7, 1, 6)
    again = one.build(data, 3, torch.device("cpu"))
    assert torch.equal(model.network.item_embedding.weight, again.network.item_embedding.weight)
    other = one.build(data, 4, torch.device("cpu"))
    same = torch.equal(model.network.item_embedding.weight, other.network.item_embedding.weight)
    assert same == (name == "popularity")  # which draws nothing


def test_what_is_a_models_own_stays_where_nobody_says_otherwise(data: TrainingData) -> None:
    assert (
        Contestant.parse("sasrec").configuration(data).layers,
        Contestant.parse("gru4rec").configuration(data).layers,
    ) == (2, 1)
    assert Contestant.parse("sasrec:layers=1").configuration(data).layers == 1


def test_what_decides_a_run_is_described() -> None:
    one = Contestant.parse("din:hidden=9:epochs=4")
    assert one.described(2) == one.described(2)
    assert one.described(2) != one.described(3)
    assert one.described(2) != Contestant.parse("din:hidden=9:epochs=5").described(2)
    assert one.described(2) != Contestant.parse("din:hidden=8:epochs=4").described(2)
    assert one.described(2)["model"] == {"hidden": 9}
    assert (one.described(2)["training"]["seed"], one.described(2)["training"]["epochs"]) == (2, 4)


@pytest.mark.parametrize("text", ["bert", "", "SURGE", "surge ", ":fusion=none"])
def test_an_unknown_model(text: str) -> None:
    sentence = refused(text)
    assert sentence.startswith(f"There is no model {text.split(':')[0]!r}")
    assert "surge, ncf, din" in sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("surge:colour=red", "'colour=red' of the model 'surge:colour=red'"),
        ("surge:fusion", "'fusion' of the model"),
        ("surge:", "'' of the model"),
        ("surge:=3", "'=3' of the model"),
        ("surge:hidden=8", "one of"),  # a baseline's
        ("din:clusters=[4]", "one of"),  # SURGE's
        ("surge:item_count=5", "one of"),  # the data's
        ("din:user_count=5", "one of"),
        ("surge:heads=1:heads=2", "gives heads more than once"),
        ("surge:epochs=1:epochs=2", "gives epochs more than once"),
    ],
)
def test_an_unknown_setting(text: str, words: str) -> None:
    assert words in refused("ncf", text)


@pytest.mark.parametrize("setting", sorted(SHARED))
@pytest.mark.parametrize("name", ["surge", "sasrec"])
def test_the_protocol_is_no_models_own(name: str, setting: str) -> None:
    sentence = refused(f"{name}:{setting}=5")
    assert f"'{setting}=5' of the model" in sentence
    assert setting not in sentence.split("one of ")[1].split(", ")


def test_nobody_somebody_twice_and_a_setting_of_nobody() -> None:
    assert refused().startswith("No model is named; the models are surge, ncf")
    assert refused("din", "surge", "din") == "din is named more than once."
    assert refused("din", "ncf", clusters=[4]) == "None of these models has the setting 'clusters'."
    assert refused("din", item_count=4) == "None of these models has the setting 'item_count'."
    assert "--seeds" in refused("din", seed=4)
    assert [one.label for one in contestants(["din", "din:hidden=8"], {})] == ["din", "din:hidden=8"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("surge:fusion=nothing", "fusion is 'nothing'"),
        ("surge:clusters=4", "clusters is 4; it must be a list"),
        ("surge:clusters=[[4]]", "clusters is"),
        ("surge:max_length=eight", "max_length is 'eight'"),
        ("sasrec:heads=3", "can't be divided among 3 heads"),
        ("ncf:score=dot", "score must be mlp"),
        ("gru4rec:dropout=NaN", "dropout is nan"),
    ],
)
def test_an_impossible_setting_of_a_model(data: TrainingData, text: str, words: str) -> None:
    with pytest.raises(SurgeError, match=words):
        Contestant.parse(text).build(data, 0, torch.device("cpu"))


def test_an_impossible_setting_of_its_training() -> None:
    with pytest.raises(SurgeError, match="batch_size is 0"):
        Contestant.parse("surge:batch_size=0").training_config(0)


def test_a_setting_of_surges_training_decides_no_baselines_run() -> None:
    assert set(names(TrainingConfig)) >= OF_SURGE
    surge, din = contestants(["surge", "din"], {"balance_weight": 0.7, "epochs": 4})
    assert surge.training == {"balance_weight": 0.7, "epochs": 4} and din.training == {"epochs": 4}
    assert surge.described(0)["training"]["balance_weight"] == 0.7
    assert "balance_weight" not in din.described(0)["training"]
    with pytest.raises(SurgeError, match="give setting=value"):
        Contestant.parse("din:balance_weight=0.7")
    with pytest.raises(SurgeError, match="None of these models has the setting 'balance_weight'"):
        contestants(["din"], {"balance_weight": 0.7})
