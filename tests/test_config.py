"""Settings: what is saved comes back, every range holds at both its ends, and a sentence names what is wrong."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from surge.config import (
    PARTS,
    PRESETS,
    BaselineConfig,
    EquationForms,
    EvaluationConfig,
    LossTerms,
    ModelConfig,
    TrainingConfig,
    from_dict,
    in_parts,
    names,
    preset,
    to_dict,
)
from surge.errors import SurgeError

SIZES = {"item_count": 100, "category_count": 7}
GIVEN: dict[type, dict[str, int]] = {ModelConfig: SIZES, BaselineConfig: SIZES | {"user_count": 9}}

RANGES = {
    "item_count": (1, 100_000_000),
    "category_count": (1, 10_000_000),
    "item_size": (1, 4096),
    "category_size": (0, 4096),
    "max_length": (1, 5000),
}
MODEL_RANGES = RANGES | {
    "metric_heads": (1, 64),
    "hops": (1, 10),
    "evolution_size": (1, 4096),
}
BASELINE_RANGES = RANGES | {
    "user_count": (1, 1_000_000_000),
    "hidden": (1, 4096),
    "layers": (1, 64),
    "window": (1, 5000),
    "horizontal_filters": (1, 4096),
    "vertical_filters": (1, 4096),
    "step_negatives": (0, 100_000),
}
TRAINING_RANGES = {
    "seed": (0, 2**31 - 1),
    "epochs": (0, 10_000),
    "patience": (1, 10_000),
    "batch_size": (1, 1_000_000),
    "negatives": (1, 10_000),
    "instances_per_epoch": (1, 10**12),
    "warmup_steps": (0, 10**9),
    "next_item_negatives": (1, 100_000),
}
EVALUATION_RANGES = {
    "validation_instances": (1, 10**9),
    "test_instances": (1, 10**9),
    "catalogue_instances": (1, 10**12),
    "evaluation_negatives": (1, 1_000_000),
}
EVALUATION_CHOICES = {"catalogue_targets": ("last", "successive")}
MODEL_REALS = {"sparsity": 1.0}
BASELINE_REALS = {"dropout": 0.99, "auxiliary_weight": 1e6, "calibration": 1}
TRAINING_REALS = {
    "learning_rate": 10.0,
    "weight_decay": 10.0,
    "same_mapping_weight": 1e6,
    "single_affiliation_weight": 1e6,
    "relative_position_weight": 1e6,
    "balance_weight": 1e6,
    "next_item_weight": 1e6,
}
MODEL_CHOICES = {
    "fusion": ("full", "without_query", "without_cluster", "none"),
    "activation": ("leaky_relu", "none"),
    "attention_activation": ("relu", "leaky_relu"),
    "attention_nonlinearity": ("leaky_relu", "none"),
    "position": ("recency", "message", "none"),
    "time": ("age", "none"),
    "flatten": ("time", "index"),
    "evolution": ("augru", "gru", "time_lstm", "attention", "none"),
    "gate": ("relative", "absolute"),
    "assignment_aggregation": ("mean", "sum"),
}
BASELINE_CHOICES = {"score": ("mlp", "dot"), "gate": ("relative", "absolute")}
TRAINING_CHOICES = {
    "instances": ("positives", "users"),
    "schedule": ("constant", "linear"),
    "same_mapping": ("scaled", "literal"),
    "relative_position": ("mean_position", "literal"),
    "precision": ("float32", "bfloat16"),
    "device": ("auto", "cpu", "cuda"),
}
MODEL_SWITCHES = ("readout", "long_term", "normalise", "next_item")
MODEL_WORDS = ("extraction",)  # which the model looks up
MODEL_LISTS = ("attention_hidden", "clusters", "prediction_hidden")
BASELINE_LISTS = ("attention_hidden", "prediction_hidden")


def cases(**tables: Any) -> list[tuple]:
    """(configuration, setting, what it may be) of tables by configuration."""
    kinds = {"baseline": BaselineConfig, **PARTS}
    return [(kinds[part], *entry) for part, table in tables.items() for entry in table.items()]


INTEGERS = cases(model=MODEL_RANGES, baseline=BASELINE_RANGES, training=TRAINING_RANGES, evaluation=EVALUATION_RANGES)
REALS = cases(model=MODEL_REALS, baseline=BASELINE_REALS, training=TRAINING_REALS)
CHOICES = cases(
    model=MODEL_CHOICES, baseline=BASELINE_CHOICES, training=TRAINING_CHOICES, evaluation=EVALUATION_CHOICES
)


PARTS_INSIDE = {ModelConfig: ("forms", EquationForms), TrainingConfig: ("loss", LossTerms)}


def make(kind: type, **changes: Any) -> dict[str, Any]:
    """All settings of such a configuration by name."""
    given: dict[str, Any] = GIVEN.get(kind, {}) | changes
    if kind not in PARTS_INSIDE:
        return vars(kind(**given))
    name, inside = PARTS_INSIDE[kind]
    part = inside(**{setting: given.pop(setting) for setting in names(inside) if setting in given})
    return vars(kind(**given, **{name: part})) | vars(part)


def refused(kind: type, name: str, value: Any) -> str:
    with pytest.raises(SurgeError) as caught:
        make(kind, **{name: value})
    sentence = str(caught.value)
    assert len(sentence.splitlines()) == 1
    assert sentence.endswith(".")
    assert name in sentence
    return sentence


def test_every_setting_is_in_a_table_here() -> None:
    """A new setting without a check of its range, or without a test of it, shows here."""
    tables = {
        ModelConfig: {
            *MODEL_RANGES,
            *MODEL_REALS,
            *MODEL_CHOICES,
            *MODEL_LISTS,
            *MODEL_SWITCHES,
            *MODEL_WORDS,
            "heads",
        },
        BaselineConfig: {*BASELINE_RANGES, *BASELINE_REALS, *BASELINE_CHOICES, *BASELINE_LISTS, "normalise", "heads"},
        TrainingConfig: {*TRAINING_RANGES, *TRAINING_REALS, *TRAINING_CHOICES, "gradient_clip"},
        EvaluationConfig: {*EVALUATION_RANGES, *EVALUATION_CHOICES},
    }
    for kind, settings in tables.items():
        assert sorted(names(kind)) == sorted(settings)


def test_shapes_and_forms_stand_apart() -> None:
    assert "gate" not in vars(ModelConfig(**SIZES)) and ModelConfig(**SIZES).forms == EquationForms()
    assert names(ModelConfig)[-len(names(EquationForms)) :] == names(EquationForms)
    assert names(TrainingConfig)[-len(names(LossTerms)) :] == names(LossTerms)
    with pytest.raises(SurgeError, match=r"^The setting forms is None; it must be EquationForms\(\.\.\.\)\.$"):
        ModelConfig(**SIZES, forms=None)  # type: ignore[arg-type]


# -- round trip ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(**SIZES),
        ModelConfig(
            **SIZES,
            item_size=6,
            category_size=0,
            heads=3,
            clusters=(30, 10),
            sparsity=0.1 + 0.2,
            forms=EquationForms(evolution="none", readout=False),
        ),
        BaselineConfig(**SIZES, user_count=3, attention_hidden=(5,), dropout=0.2),
        TrainingConfig(),
        TrainingConfig(loss=LossTerms(same_mapping="literal", weight_decay=0.5)),
        TrainingConfig(seed=5, instances_per_epoch=100, learning_rate=1e-3, precision="bfloat16", device="cuda"),
        EvaluationConfig(catalogue_instances=7),
    ],
)
def test_round_trip_through_json(config: Any) -> None:
    values = json.loads(json.dumps(to_dict(config), allow_nan=False))
    assert list(values) == names(type(config))
    assert from_dict(type(config), values) == config


def test_settings_that_are_left_out_are_the_defaults() -> None:
    assert from_dict(ModelConfig, SIZES | {"clusters": [5]}) == ModelConfig(**SIZES, clusters=(5,))
    assert from_dict(TrainingConfig, {}) == TrainingConfig()


def test_they_are_frozen_and_can_be_a_key() -> None:
    config = ModelConfig(**SIZES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.heads = 2  # type: ignore[misc]
    assert len({config, ModelConfig(**SIZES), TrainingConfig()}) == 2


@pytest.mark.parametrize("kind", [ModelConfig, BaselineConfig, TrainingConfig, EvaluationConfig])
def test_unknown_names(kind: type) -> None:
    base = GIVEN.get(kind, {})
    known = ", ".join(sorted(names(kind)))
    with pytest.raises(SurgeError, match=rf"^Unknown setting colour, flavour; the settings are {known}\.$"):
        from_dict(kind, base | {"flavour": 1, "colour": 2})
    with pytest.raises(SurgeError, match="Unknown setting Heads"):
        from_dict(kind, base | {"Heads": 1})
    with pytest.raises(SurgeError, match="Unknown setting forms"):  # on disk the forms stand among the others
        from_dict(kind, base | {"forms": {}})


@pytest.mark.parametrize(
    ("given", "named"), [({"item_count": 3}, "category_count"), ({}, "category_count, item_count")]
)
def test_missing_names(given: dict[str, int], named: str) -> None:
    with pytest.raises(SurgeError, match=f"^The setting {named} is missing.$"):
        from_dict(ModelConfig, given)


# -- parts --------------------------------------------------------------------------------------------


def test_every_setting_is_in_its_part() -> None:
    given = {"model": {"gate": "relative"}, "training": {"seed": 3}, "evaluation": {"test_instances": 5}}
    assert in_parts(given) == given
    assert in_parts({}) == {"model": {}, "training": {}, "evaluation": {}}
    once = {"seed": 3, "evaluation_negatives": 7, "catalogue_instances": None}  # how it was written before
    moved = {"evaluation_negatives": 7, "catalogue_instances": None}
    assert in_parts({"training": once}) == {"model": {}, "training": {"seed": 3}, "evaluation": moved}
    assert in_parts({"model": {"colour": 1}})["model"] == {"colour": 1}  # which from_dict refuses


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"training": {"clusters": [4]}}, "clusters stands under training; it belongs under model"),
        ({"model": {"seed": 4}}, "seed stands under model; it belongs under training"),
        ({"evaluation": {"epochs": 4}}, "epochs stands under evaluation; it belongs under training"),
        ({"model": {"test_instances": 4}}, "test_instances stands under model; it belongs under evaluation"),
        (
            {"training": {"test_instances": 4}, "evaluation": {"test_instances": 4}},
            "test_instances stands under training and evaluation; give it once",
        ),
    ],
)
def test_a_setting_in_the_wrong_part(given: dict[str, dict[str, Any]], words: str) -> None:
    for ordered in (given, dict(reversed(given.items()))):
        with pytest.raises(SurgeError, match=rf"^The setting {words}\.$"):
            in_parts(ordered)


# -- presets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_settings_that_there_are(name: str) -> None:
    given = preset(name)
    assert set(given) == {"model", "training"}
    from_dict(ModelConfig, SIZES | given["model"])
    from_dict(TrainingConfig, given["training"])
    given["model"]["heads"] = 2  # one's own: the preset stays as it is
    assert "heads" not in PRESETS[name]["model"]


def test_as_printed_decides_every_departure_from_the_paper() -> None:
    """Spelled out, so that no other default changes what it is."""
    printed = preset("as-printed")
    assert sorted(printed["model"]) == sorted(names(EquationForms))  # shapes are open in the paper
    assert printed["model"] == {
        "assignment_aggregation": "sum",
        "fusion": "full",
        "activation": "leaky_relu",
        "attention_activation": "leaky_relu",
        "attention_nonlinearity": "none",
        "extraction": "soft",
        "readout": True,
        "long_term": False,
        "position": "none",
        "time": "none",
        "flatten": "index",
        "evolution": "augru",
        "gate": "absolute",
        "normalise": False,
        "next_item": False,
    }
    training = printed["training"]
    assert (training["same_mapping"], training["relative_position"]) == ("literal", "literal")
    for term in ("same_mapping", "single_affiliation", "relative_position"):
        assert training[f"{term}_weight"] > 0
    assert training["balance_weight"] == training["next_item_weight"] == training["warmup_steps"] == 0


def test_an_unknown_preset() -> None:
    with pytest.raises(SurgeError, match=r"^There is no preset 'printed'; the presets are as-printed\.$"):
        preset("printed")


# -- ranges -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name", "ends"), INTEGERS)
def test_whole_numbers(kind: type, name: str, ends: tuple[int, int]) -> None:
    low, high = ends
    for value in (low, high):
        assert make(kind, **{name: value})[name] == value
    for value in (low - 1, high + 1, -(10**30), low + 0.5, float(high), float("nan"), float("inf"), "3", [low], b"3"):
        assert "a whole number" in refused(kind, name, value)
    for value in (True, False):
        assert "a whole number" in refused(kind, name, value)


@pytest.mark.parametrize(("kind", "name", "high"), REALS)
def test_numbers(kind: type, name: str, high: float) -> None:
    for value in (0, 0.0, high / 3, high):
        assert make(kind, **{name: value})[name] == value
    for value in (-1e-9, high * 1.001, float("nan"), float("inf"), -float("inf"), "0.1", None, [0.1], True, False, 1j):
        assert "a number" in refused(kind, name, value)


@pytest.mark.parametrize(("kind", "name", "options"), CHOICES)
def test_choices(kind: type, name: str, options: tuple[str, ...]) -> None:
    for value in options:
        assert make(kind, **{name: value})[name] == value
    for value in ("", "other", options[0].upper(), None, 0, True, [options[0]], {}):
        assert all(option in refused(kind, name, value) for option in options)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(ModelConfig, name) for name in MODEL_LISTS] + [(BaselineConfig, name) for name in BASELINE_LISTS],
)
def test_lists_of_sizes(kind: type, name: str) -> None:
    for value in ((1,), (4096,), (30, 10), (1, 2, 3)):
        assert make(kind, **{name: value})[name] == value
        assert make(kind, **{name: list(value)})[name] == value
    for value in ((), [], 5, "55", None, {5}, (0,), (4097,), (8, 0), (8.0,), (True,), ("8",), ((8,),), (None,)):
        refused(kind, name, value)
    for value in ([], [[8]], ["8"], "8", 8, None):
        with pytest.raises(SurgeError, match=name):
            from_dict(kind, GIVEN[kind] | {name: value})


@pytest.mark.parametrize("name", ["item_size", "sparsity", "epochs", "fusion"])
def test_what_is_none_is_not_the_default(name: str) -> None:
    refused(TrainingConfig if name == "epochs" else ModelConfig, name, None)


def test_some_may_be_none() -> None:
    assert TrainingConfig(instances_per_epoch=None).instances_per_epoch is None
    assert from_dict(TrainingConfig, {"instances_per_epoch": None}) == TrainingConfig()
    assert from_dict(EvaluationConfig, {"catalogue_instances": None}) == EvaluationConfig()


@pytest.mark.parametrize("value", [0, 1, None, "yes", "true"])
@pytest.mark.parametrize(
    ("kind", "name"),
    [(ModelConfig, name) for name in MODEL_SWITCHES] + [(BaselineConfig, "normalise")],
)
def test_a_switch_is_true_or_false_and_nothing_like_it(kind: type, name: str, value: object) -> None:
    assert "true or false" in refused(kind, name, value)


@pytest.mark.parametrize("value", [None, 3, True, ["soft"]])
def test_a_name_that_the_model_looks_up_is_a_word(value: object) -> None:
    assert make(ModelConfig, extraction="another")["extraction"] == "another"
    assert "must be a word" in refused(ModelConfig, "extraction", value)


@pytest.mark.parametrize("kind", [ModelConfig, BaselineConfig])
def test_heads_divide_the_embedding(kind: type) -> None:
    assert make(kind, item_size=32, category_size=8, heads=5)["heads"] == 5
    assert "40 can't be divided among 3 heads" in refused(kind, "heads", 3)
    for value in (0, 65, True, 2.0):
        refused(kind, "heads", value)


def test_sizes_that_follow() -> None:
    config = ModelConfig(**SIZES, item_size=12, category_size=4, evolution_size=5)
    assert config.size == 16
    sizes = {
        kind: dataclasses.replace(config, forms=EquationForms(evolution=kind)).state_size
        for kind in MODEL_CHOICES["evolution"]
    }
    assert sizes == {"augru": 5, "gru": 5, "time_lstm": 5, "attention": 16, "none": 16}


@pytest.mark.parametrize("value", [0, 0.0, -1.0, float("nan"), True, "high", None, [1]])
def test_a_gradient_clip_that_would_stop_learning_is_refused(value: Any) -> None:
    assert "must be a number from 1e-06" in refused(TrainingConfig, "gradient_clip", value)


def test_a_step_of_l2_leaves_something_of_the_weights() -> None:
    TrainingConfig(learning_rate=0.1, loss=LossTerms(weight_decay=4.9))
    with pytest.raises(
        SurgeError, match=r"learning_rate 0\.1 and weight_decay 5 L2 takes every weight away in one step"
    ):
        TrainingConfig(learning_rate=0.1, loss=LossTerms(weight_decay=5.0))
