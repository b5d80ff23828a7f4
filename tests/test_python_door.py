"""`import surge`: each function takes what somebody has at hand, and tells a wrong argument in one sentence."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import surge
from surge.cli import main

FRAME = pd.DataFrame(
    [
        (user, (5 * user + 3 * place) % 12, 1_700_000_000 + 100 * user + 7_000 * place)
        for user in range(20)
        for place in range(8)
    ],
    columns=["user", "item", "timestamp"],
)
MODEL = {"item_size": 4, "category_size": 1, "clusters": [3], "prediction_hidden": [4], "attention_hidden": [4]}
TRAINING = {"epochs": 1, "batch_size": np.int64(64), "device": "cpu"}
EVALUATION = {"validation_instances": 20, "evaluation_negatives": 3}


@pytest.fixture(scope="module")
def dataset() -> surge.Dataset:
    return surge.Dataset.from_frame(FRAME, split="leave-last", name="numbers")


@pytest.fixture(scope="module")
def checkpoint(dataset: surge.Dataset, tmp_path_factory: pytest.TempPathFactory) -> surge.Checkpoint:
    """Trained with settings as dicts."""
    output = tmp_path_factory.mktemp("trained") / "model"
    return surge.train(dataset, output, model=MODEL, training=TRAINING, evaluation=EVALUATION, quiet=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset as a folder."""
    place = tmp_path_factory.mktemp("prepared")
    FRAME.to_csv(place / "log.csv", index=False)
    surge.prepare("csv", place / "log.csv", place / "numbers", split="leave-last")
    return place / "numbers"


# -- what is taken ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", [7, np.int64(7), 7.0, "7", np.str_("7"), b"7"])
def test_an_id_may_be_a_number(checkpoint: surge.Checkpoint, dataset: surge.Dataset, user: Any) -> None:
    assert dataset.user_index(user) == dataset.users.index("7")
    assert dataset.history(user)["item"].to_list() == [str((35 + 3 * place) % 12) for place in range(8)]
    assert dataset.item(user)["item"] == "7"
    best = surge.recommend(checkpoint, dataset, user, np.int64(2))
    assert best == surge.recommend(checkpoint, dataset, "7", 2) and len(best) == 2
    record = surge.explain(checkpoint, dataset, user, user)
    assert (record.user, record.target.item) == ("7", "7")


def test_users_are_taken_once_each(checkpoint: surge.Checkpoint, dataset: surge.Dataset, tmp_path: Path) -> None:
    one = {"users": 1, "unknown": 0, "rows": 2}
    one |= dict.fromkeys(("unknown_interactions", "unknown_items", "users_with_unknown_items"), 0)
    for users in ([7, "7", 7.0], "7", 7, np.array([7, 7]), pl.Series(["7"]), pd.Series([7]), (user for user in [7])):
        assert surge.recommend_all(checkpoint, dataset, tmp_path / "best.parquet", np.int64(2), users=users) == one
        assert pl.read_parquet(tmp_path / "best.parquet")["user"].to_list() == ["7", "7"]
    surge.recommend_all(checkpoint, dataset, tmp_path / "best.parquet", users=[9, 7, 9])
    assert pl.read_parquet(tmp_path / "best.parquet")["user"].unique(maintain_order=True).to_list() == ["9", "7"]


def test_folders_stand_for_what_is_in_them(checkpoint: surge.Checkpoint, folder: Path, tmp_path: Path) -> None:
    dataset = surge.Dataset.load(folder)
    where = str(checkpoint.folder)
    assert surge.recommend(where, str(folder), 7) == surge.recommend(checkpoint, dataset, 7)
    assert surge.explain(where, folder, 7).to_dict() == surge.explain(checkpoint, dataset, 7).to_dict()
    assert surge.evaluate(where, folder) == surge.evaluate(checkpoint, dataset, "test")
    assert surge.recommend_all(where, folder, tmp_path / "all.parquet")["users"] == 20


def test_settings_are_configurations_or_dicts(
    checkpoint: surge.Checkpoint, folder: Path, tmp_path: Path, dataset: surge.Dataset
) -> None:
    again = surge.train(
        folder,
        tmp_path / "model",
        model=surge.ModelConfig(item_count=1, category_count=9, **MODEL),  # type: ignore[arg-type]
        training=surge.TrainingConfig(**{**TRAINING, "batch_size": 64}),  # type: ignore[arg-type]
        evaluation=surge.EvaluationConfig(**EVALUATION),
        quiet=True,
    )
    assert again.model_config == checkpoint.model_config and again.model_config.clusters == (3,)
    assert again.training_config == checkpoint.training_config
    assert again.evaluation_config == checkpoint.evaluation_config
    assert again.metrics == checkpoint.metrics
    config = surge.TrainingConfig(epochs=np.int64(3), learning_rate=np.float32(0.5))  # type: ignore[arg-type]
    assert (config.epochs, config.learning_rate) == (3, 0.5) and type(config.epochs) is int
    sizes = surge.ModelConfig(item_count=1, category_count=1, clusters=np.array([3, 2])).clusters  # type: ignore[arg-type]
    assert sizes == (3, 2) and surge.load_checkpoint(checkpoint.folder, "auto").digest == checkpoint.digest


def test_training_goes_on_from_a_checkpoint_or_its_folder(checkpoint: surge.Checkpoint, tmp_path: Path) -> None:
    newer = surge.Dataset.from_frame(
        pd.concat([FRAME, FRAME.tail(1).assign(item=99, timestamp=1_800_000_000)]), split="leave-last"
    )
    vectors = pl.DataFrame({"item": ["99"], "vector": [[0.5, 0.25, 0.125, 1.0]], "other": [[1.0, 2.0]]})
    vectors.write_parquet(tmp_path / "vectors.parquet")
    given = {"training": {"epochs": 0}, "quiet": True}
    one = surge.train(newer, tmp_path / "one", start=checkpoint, **given)  # type: ignore[arg-type]
    two = surge.train(
        newer,
        tmp_path / "two",
        start=str(checkpoint.folder),
        item_vectors=tmp_path / "vectors.parquet",
        vector_columns=["vector"],
        **given,  # type: ignore[arg-type]
    )
    for trained in (one, two):
        assert trained.description["start"]["kept"] == 12 and trained.description["start"]["added"] == 1
        assert trained.training_config.batch_size == 64 and trained.training_config.epochs == 0
        assert trained.evaluation_config == checkpoint.evaluation_config
    row = two.rows["99"]
    assert two.model.item_embedding.weight[row].tolist() == [0.5, 0.25, 0.125, 1.0]
    assert one.model.item_embedding.weight[row].tolist() != [0.5, 0.25, 0.125, 1.0]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime.date(2023, 11, 15), datetime.date(2023, 11, 15)),
        (datetime.datetime(2023, 11, 15), datetime.datetime(2023, 11, 15, 23, 59, 59)),
        (datetime.datetime(2023, 11, 15, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1))), "2023-11-15"),
        (pd.Timestamp("2023-11-15"), pd.Timestamp("2023-11-16 00:59:59", tz="Europe/Berlin")),
        (np.int64(1_700_006_400), 1_700_092_799),
        ("2023-11-15", "2023-11-15"),
    ],
)
def test_moments_are_dates_datetimes_or_whole_seconds(start: Any, end: Any) -> None:
    with pytest.warns(UserWarning, match="20 of 160 rows were left out: outside the date window"):
        dataset = surge.Dataset.from_frame(FRAME, split="leave-last", start=start, end=end)
    options = dataset.description["preparation"]["options"]
    assert (options["start"], options["end"]) == (1_700_006_400, 1_700_092_799)


def test_one_path_or_text_is_a_list_of_one(tmp_path: Path) -> None:
    FRAME.assign(kind="buy").to_csv(tmp_path / "log.csv", index=False)
    for place, inputs in enumerate((str(tmp_path / "log.csv"), tmp_path / "log.csv", [tmp_path / "log.csv"])):
        description = surge.prepare(
            "csv", inputs, tmp_path / str(place), behaviours="buy", columns={"behaviour": "kind"}, split="leave-last"
        )
        assert description["counts"]["interactions"] == 160
        assert description["preparation"]["options"]["behaviours"] == ["buy"]


# -- what is refused --------------------------------------------------------------------------------------

PREPARE: dict[str, tuple[dict[str, Any], str]] = {
    "no unit": ({"time_unit": None}, "there is no unit None; choose from auto, seconds"),
    "no format": ({"format": None}, "there is no format None; choose from movielens"),
    "no ties": ({"ties": None}, "there is no way to settle ties None"),
    "a number as a name": ({"name": 5}, "the name of a dataset can't be 5"),
    "an empty name": ({"name": " "}, "the name of a dataset can't be ' '"),
    "a name of two lines": ({"name": "a\nb"}, r"the name of a dataset can't be 'a\\nb'"),
    "a long name": ({"name": "n" * 201}, "the name of a dataset can't be 'nnn.*…; give one line of text, of 200"),
    "an unknown role": ({"columns": {"usr": "user"}}, "columns has no role 'usr'; is user meant"),
    "an unknown role of items": (
        {"items_file": "log.csv", "items_columns": {"id": "item"}},
        "items_columns has no role 'id'; it takes item, title, category",
    ),
    "no dict of columns": ({"columns": "user"}, "columns is 'user'; give a dict"),
    "no column": ({"columns": {"user": None}}, "columns has None as user; give a column's name"),
    "one column for two roles": ({"columns": {"user": "item", "item": "item"}}, "user and item are the same column"),
    "an unknown argument": ({"behaviour": "buy"}, "prepare has no argument 'behaviour'; is behaviours meant"),
    "a count as text": ({"min_user_interactions": "3"}, "min_user_interactions is '3'; give a whole number"),
    "half a count": ({"min_item_interactions": 2.5}, "min_item_interactions is 2.5; give a whole number"),
    "a count of truth": ({"skip_lines": True}, "skip_lines is True; give a whole number"),
    "a rating as text": ({"min_rating": "1"}, "min_rating is '1'; give a number"),
    "a rating of nothing": ({"min_rating": float("nan")}, "min_rating is nan; give a number"),
    "a flag as text": ({"force": "no"}, "force is 'no'; give True or False"),
    "half seconds": ({"start": 1.5}, "start is 1.5; give a date"),
    "truth as a moment": ({"end": True}, "end is True; give a date"),
    "a list as a moment": ({"valid_start": [1]}, r"valid_start is \[1\]; give a date"),
    "a moment past all": ({"end": 10**30}, "end is 1000.*; give a date"),
    "a count past all": ({"skip_lines": 10**30}, "skip_lines is 1000.*; give a whole number of 1000000 at most"),
    "no moment": ({"test_start": pd.NaT}, "test_start 'NaT' is not a time; give a date"),
    "no inputs": ({"inputs": None}, "inputs is None; give one or a list of them"),
    "a frame as input": ({"inputs": FRAME}, "inputs is a DataFrame; give one or a list"),
    "a frame among inputs": ({"inputs": [FRAME]}, "one of inputs is a DataFrame; give a path"),
    "an empty input": ({"inputs": ""}, "one of inputs is ''; give a path"),
    "a number as output": ({"output": 5}, "output is 5; give a path"),
    "an output in a file": (
        {"output": "log.csv/inside"},
        "is a file, so no folder can be made in it",
    ),
    "a long output": ({"output": "n" * 300}, "output is 'nnn.*, which is too long for a file's name"),
    "an encoding of nothing": ({"encoding": None}, "encoding is None; give a text"),
    "a delimiter as a number": ({"delimiter": 5}, "delimiter is 5; give a text"),
    "a form of times as a number": ({"time_format": 5}, "time_format is 5; give a text"),
    "no function": ({"progress": 5}, "progress is 5; give a function"),
    "an option's words": ({"start": 9, "end": 8}, "^start lies after end"),
    "a column's words": ({"columns": {"user": "who"}}, r"name the right one with columns=\{'user': ...\}"),
}


@pytest.mark.parametrize("case", PREPARE)
def test_prepare_refuses_in_a_sentence(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options, told = PREPARE[case]
    monkeypatch.chdir(tmp_path)
    FRAME.to_csv("log.csv", index=False)
    with pytest.raises(surge.SurgeError, match=told):
        surge.prepare(**{"format": "csv", "inputs": "log.csv", "output": "out", **options})
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


Call = Callable[[surge.Checkpoint, surge.Dataset], Any]
CALLS: dict[str, tuple[Call, str]] = {
    "user unknown": (lambda c, d: surge.recommend(c, d, 77), "has no user '77'"),
    "user none": (lambda c, d: surge.recommend(c, d, None), "user is None; give an id"),  # type: ignore[arg-type]
    "user list": (lambda c, d: surge.explain(c, d, ["7"]), r"user is \['7'\]; give an id"),  # type: ignore[arg-type]
    "user half": (lambda c, d: d.history(7.5), "user is 7.5; give an id"),  # type: ignore[arg-type]
    "user truth": (lambda c, d: d.user_index(True), "user is True; give an id"),
    "user inexact": (lambda c, d: d.user_index(1e300), "user is 1e.300; give an id"),  # type: ignore[arg-type]
    "user past all": (lambda c, d: d.user_index(10**5000), "user is a number of thousands of digits"),
    "user no number": (lambda c, d: d.user_index(float("nan")), "user is nan; give an id"),  # type: ignore[arg-type]
    "user long": (lambda c, d: d.user_index("x" * 999), "has no user 'x{58}…; "),
    "item none": (lambda c, d: d.item(None), "item is None; give an id"),  # type: ignore[arg-type]
    "item unknown": (lambda c, d: surge.explain(c, d, 7, 77), "knows no item '77'"),
    "item list": (lambda c, d: surge.explain(c, d, 7, ["7"]), r"item is \['7'\]"),  # type: ignore[arg-type]
    "search": (lambda c, d: d.search_users(None), "text is None"),  # type: ignore[arg-type]
    "search limit": (lambda c, d: d.search_items("7", "3"), "limit is '3'"),  # type: ignore[arg-type]
    "top text": (lambda c, d: surge.recommend(c, d, 7, "3"), "top is '3'; give a whole"),  # type: ignore[arg-type]
    "top half": (lambda c, d: surge.recommend(c, d, 7, 2.5), "top is 2.5; give a whole"),  # type: ignore[arg-type]
    "top 0": (lambda c, d: surge.recommend(c, d, 7, 0), "top is 0; give a whole number from 1"),
    "hold_out": (lambda c, d: surge.recommend(c, d, 7, hold_out="no"), "hold_out is 'no'"),  # type: ignore[arg-type]
    "all none": (lambda c, d: surge.recommend_all(c, d, None), "output is None; give a path"),  # type: ignore[arg-type]
    "all users": (lambda c, d: surge.recommend_all(c, d, "z.parquet", users=FRAME), "users is a DataFrame"),  # type: ignore[arg-type]
    "all ending": (lambda c, d: surge.recommend_all(c, d, "z.csv"), "saved as .parquet, not as 'z.csv'"),
    "swapped": (lambda c, d: surge.recommend(d, c, 7), "a Dataset is given as the checkpoint"),  # type: ignore[arg-type]
    "frame": (lambda c, d: surge.evaluate(c, FRAME), "a DataFrame is given as the dataset; .*from_frame"),  # type: ignore[arg-type]
    "missing": (lambda c, d: surge.explain("none", d, 7), "'none' is not a checkpoint folder"),
    "split": (lambda c, d: surge.evaluate(c, d, "dev"), "there is no split 'dev'; choose from train, valid, test"),
    "split none": (lambda c, d: surge.evaluate(c, d, None), "there is no split None"),  # type: ignore[arg-type]
    "argument": (lambda c, d: surge.evaluate(c, d, spilt="test"), "evaluate has no argument 'spilt'; is split"),  # type: ignore[call-arg]
    "too few": (lambda c, d: surge.export(c), "export: missing a required argument: 'output'"),  # type: ignore[call-arg]
    "export order": (lambda c, d: surge.export(c, d, "out"), "output is a Dataset; give a path"),  # type: ignore[arg-type]
    "load none": (lambda c, d: surge.load_checkpoint(None), "folder is None; give a path"),  # type: ignore[arg-type]
    "load device": (lambda c, d: surge.load_checkpoint(c.folder, "tpu"), "device is 'tpu', which is not at hand"),
    "load meta": (lambda c, d: surge.load_checkpoint(c.folder, "meta"), "device is 'meta', which is not at hand"),
    "dataset none": (lambda c, d: surge.Dataset.load(None), "folder is None; give a path"),  # type: ignore[arg-type]
    "save": (lambda c, d: surge.explain(c, d, 7).save(None), "the place to save to is None"),  # type: ignore[arg-type]
    "setting": (lambda c, d: surge.TrainingConfig(epoch=3), "TrainingConfig has no argument 'epoch'; is epochs"),  # type: ignore[call-arg]
    "counts": (lambda c, d: surge.ModelConfig(), "ModelConfig: missing a required argument: 'item_count'"),  # type: ignore[call-arg]
    "place": (lambda c, d: surge.Dataset.from_frame(FRAME, "user"), "Dataset.from_frame: too many positional"),  # type: ignore[call-arg]
    "train frame": (lambda c, d: surge.train(FRAME, "out"), "a DataFrame is given as the dataset"),  # type: ignore[arg-type]
    "train epochs": (lambda c, d: surge.train(d, "out", epochs=3), "train has no argument 'epochs'"),  # type: ignore[call-arg]
    "train model": (lambda c, d: surge.train(d, "out", model="x"), r"model is 'x'; give surge.ModelConfig"),  # type: ignore[arg-type]
    "train wrong": (lambda c, d: surge.train(d, "out", training=surge.EvaluationConfig()), "training is a Evalua"),  # type: ignore[arg-type]
    "train numbers": (lambda c, d: surge.train(d, "out", training={1: 2}), r"training is \{1: 2\}; give surge.T"),  # type: ignore[dict-item]
    "train unknown": (lambda c, d: surge.train(d, "out", training={"epoch": 2}), "Unknown setting epoch;"),
    "train array": (
        lambda c, d: surge.train(d, "out", model={"fusion": np.array(["full", "none"])}),
        r'The setting fusion is \["full", "none"\]; it must be one of full',
    ),
    "save folder": (lambda c, d: surge.explain(c, d, 7).save(c.folder.parent), "saved as .json or .npz"),
    "record none": (lambda c, d: surge.Explanation.load(None), "path is None; give a path"),  # type: ignore[arg-type]
    "train start": (lambda c, d: surge.train(d, "out", start=d), "a Dataset is given as the checkpoint"),  # type: ignore[arg-type]
    "train columns of vectors": (
        lambda c, d: surge.train(d, "out", vector_columns=["e"]),
        "vector_columns says what to read of a file of vectors; name it with item_vectors",
    ),
    "train vectors": (lambda c, d: surge.train(d, "out", item_vectors="v.csv"), "item_vectors .*; give it with start"),
    "train there": (lambda c, d: surge.train(d, c.folder), "already exists"),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_wrong_argument_is_a_sentence(
    case: str, checkpoint: surge.Checkpoint, dataset: surge.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, told = CALLS[case]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(surge.SurgeError, match=told):
        call(checkpoint, dataset)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["simulate out --users 1 --name", "prepare csv log.csv --output out --name"])
def test_the_command_line_checks_names_too(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    FRAME.to_csv("log.csv", index=False)
    assert main([*command.split(), ""]) == 2
    assert "error: the name of a dataset can't be ''" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]
