"""`python -m surge` train, evaluate, recommend and explain as a user meets them."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from surge import checkpoint as checkpoint_module
from surge.checkpoint import load_checkpoint, save_checkpoint, store_metrics
from surge.cli import build_parser, main
from surge.commands import print_metrics
from surge.commands.settings import read_settings
from surge.config import preset
from surge.data.simulator import simulate
from surge.explanation import quality
from surge.explanation.record import Explanation
from surge.vocabulary import METRICS, entry
from surge.vocabulary.prediction import LEFT_OUT
from tests.explanation.worlds import make_checkpoint

SMALL = (
    "--epochs 1 --seed 3 --device cpu --threads 1 --set item_size=6 --set category_size=2 --set clusters=[4,2] "
    "--set attention_hidden=[8] --set prediction_hidden=[8] --set evolution_size=5 --set test_instances=20 "
    "--set validation_instances=20 --set catalogue_instances=5 --set evaluation_negatives=9 --set max_length=12"
).split()


NEEDED = (*LEFT_OUT, "cold_positives", "users_without_last", "positives")  # by what is told of the positives


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    simulate(folder / "shop", users=40, seed=1)
    checkpoint = folder / "model"
    assert main(["train", str(folder / "shop"), "--output", str(checkpoint), *SMALL]) == 0
    return [str(checkpoint), str(folder / "shop")]


def refused(capsys, *arguments):
    """The sentence on stderr of a command that must fail."""
    assert main([*map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


def test_train_writes_a_checkpoint_with_the_settings_given(places):
    config = json.loads((Path(places[0]) / "config.json").read_text())
    assert config["model"]["clusters"] == [4, 2]
    assert config["training"]["seed"] == 3
    assert config["evaluation"] == {
        "validation_instances": 20,
        "test_instances": 20,
        "catalogue_instances": 5,
        "catalogue_targets": "last",
        "evaluation_negatives": 9,
    }
    assert config["trained_on"].startswith("cpu")
    metrics = json.loads((Path(places[0]) / "metrics.json").read_text())
    for name in ("auc", "gauc", "mrr", "ndcg@2", "ndcg@10", "hr@10", "catalogue_hr@10", "catalogue_ndcg@10"):
        assert 0 <= metrics["validation"][name] <= 1
    assert set(metrics) == {"validation"}  # the test split is measured on request
    assert (Path(places[0]) / "README.md").read_text().startswith("# SURGE checkpoint, trained on sample")


def figures_of(out: str) -> dict[str, dict[str, str]]:
    """The parts that a command printed, each with its figures."""
    parts: dict[str, dict[str, str]] = {}
    figures: dict[str, str] = {}
    for line in out.splitlines():
        if line.startswith("  "):
            figures[line[2:54].rstrip()] = line[54:]
        elif line.startswith("test positives: "):
            continue
        elif line.endswith(":"):
            figures = parts[line[:-1]] = {}
    return parts


def test_evaluate_measures_the_test_split_and_stores_it(places, tmp_path, capsys):
    checkpoint = tmp_path / "model"
    shutil.copytree(places[0], checkpoint)
    before = load_checkpoint(checkpoint)
    store_metrics(before, {"test": {"auc": 0.0}, "explanation": {}})
    (checkpoint / "baselines.json").write_text("the user's own")
    assert load_checkpoint(checkpoint).metrics["test"] == {"auc": 0.0}
    assert main(["evaluate", str(checkpoint), places[1]]) == 0
    out = capsys.readouterr().out
    after = load_checkpoint(checkpoint)
    assert after.metrics["validation"] == before.metrics["validation"]
    assert after.metrics["test"]["positives"] >= after.metrics["test"]["instances"] > 0
    assert after.digest == before.digest
    assert f"stored in the metrics.json of {checkpoint}" in out
    assert (checkpoint / "baselines.json").read_text() == "the user's own"
    printed = figures_of(out)
    assert set(printed) == {"test", "explanation"}
    for part, figures in printed.items():
        told = {name: value for name, value in after.metrics[part].items() if not isinstance(value, list)}
        assert list(figures) == [entry(name).name for name in told]
    assert float(printed["test"]["HR@10"]) == pytest.approx(after.metrics["test"]["hr@10"], abs=6e-5)
    assert printed["test"]["Lists"] == "20" and printed["explanation"]["Users measured"] == "40"


def test_figures_are_printed_by_their_names_and_as_the_pages_write_them(capsys):
    scores = {"auc": 0.88185, "users": 40.0, "catalogue_median_rank": 38.5, "reliability_count": [1, 2]}
    print_metrics({"test": scores | {"assignment_entropy": 0.0413, "nmi": -0.5, "my_own": 3.0, "positives": 13756}})
    assert capsys.readouterr().out.splitlines() == [
        "test:",
        "  AUC                                                 0.8819",
        "  Users measured                                      40",
        "  Median rank among all items                         38.5",
        "  Blur of the clusters                                4.1 %",
        "  Clusters against true interests (NMI)               \u22120.50",
        "  my own                                              3.0000",
        "  True next items                                     13,756",
    ]
    assert max(len(metric.name) for metric in METRICS.values()) <= 50


def test_evaluate_on_another_split_or_dataset_stores_nothing(places, tmp_path, capsys):
    before = (Path(places[0]) / "metrics.json").read_bytes()
    assert main(["evaluate", *places, "--split", "valid"]) == 0
    assert set(figures_of(capsys.readouterr().out)) == {"valid"}
    simulate(tmp_path / "other", users=30, seed=2)
    assert main(["evaluate", places[0], str(tmp_path / "other")]) == 0
    assert "not stored: the checkpoint was trained on another dataset" in capsys.readouterr().out
    assert (Path(places[0]) / "metrics.json").read_bytes() == before


def test_figures_that_can_not_be_stored_are_shown(places, capsys, monkeypatch):
    monkeypatch.setattr(quality, "measure", lambda *_: {"test": dict.fromkeys(NEEDED, 0)})
    monkeypatch.setattr(os, "access", lambda *_: False)
    before = (Path(places[0]) / "metrics.json").read_bytes()
    assert main(["evaluate", *places]) == 0
    out = capsys.readouterr().out
    assert "not stored: The folder" in out and "can't be written; check its permissions" in out and "test:" in out
    assert (Path(places[0]) / "metrics.json").read_bytes() == before


def test_evaluate_takes_a_device(places, capsys, monkeypatch):
    asked = []
    original = checkpoint_module.load_checkpoint
    monkeypatch.setattr(
        checkpoint_module, "load_checkpoint", lambda path, device: asked.append(str(device)) or original(path, device)
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "No CUDA device is at hand" in refused(capsys, "evaluate", *places, "--device", "cuda")
    assert main(["evaluate", *places, "--split", "valid", "--device", "auto"]) == 0
    assert asked == ["cpu"]


def test_recommend_prints_the_best_items_in_order(places, capsys):
    assert main(["recommend", *places, "--user", "u0003", "--top", "7"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    ranked = [line for line in lines if line and line[0].isdigit() and len(line) > 3 and line[3].startswith("i")]
    assert [int(line[0]) for line in ranked] == list(range(1, 8))
    chances = [float(line[1].removesuffix("%")) for line in ranked]
    assert chances == sorted(chances, reverse=True)


@pytest.fixture(scope="module")
def used_up(tmp_path_factory):
    """A checkpoint that recommends nothing twice, and a log of one user who took all of its items, one who didn't."""
    folder = tmp_path_factory.mktemp("used up")
    checkpoint = make_checkpoint(count=4, exclude_seen=True)
    save_checkpoint(
        folder / "model",
        checkpoint.model,
        checkpoint.items,
        training_config=checkpoint.training_config,
        metrics={},
        history=[],
        description=checkpoint.description,
    )
    lines = [f"{user},i{row},{day}" for user, rows in (("all", 4), ("some", 3)) for day, row in enumerate(range(rows))]
    (folder / "log.csv").write_text("\n".join(["user,item,timestamp", *lines]) + "\n")
    log, shop = str(folder / "log.csv"), str(folder / "shop")
    assert main(["prepare", "csv", log, "--output", shop, "--split", "leave-last", "--time-unit", "seconds"]) == 0
    return [str(folder / "model"), str(folder / "shop")]


def test_recommend_says_where_nothing_is_left(used_up, capsys):
    assert main(["recommend", *used_up, "--user", "all", "--whole-history"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == ("nothing is left to recommend: this user took every item that the checkpoint knows")
    assert "rank" not in out and "chance" not in out
    assert main(["recommend", *used_up, "--user", "all"]) == 0
    assert "ranks 1 of 1" in capsys.readouterr().out


@pytest.mark.parametrize(("user", "words"), [("some", "would have a "), ("all", "would be ")])
@pytest.mark.parametrize("ending", ["json", "html"])
def test_explain_says_what_an_item_would_have_that_is_not_recommended(used_up, tmp_path, capsys, user, words, ending):
    output = str(tmp_path / f"why.{ending}")
    capsys.readouterr()
    assert main(["explain", *used_up, "--user", user, "--whole-history", "--item", "i1", "--output", output]) == 0
    out = capsys.readouterr().out
    assert f"not ranked, as the history holds it already; it {words}" in out
    assert ("chance" in out) == (user == "some")


def test_explain_writes_json_and_npz_of_the_same_record(places, tmp_path, capsys):
    for name in ("why.json", "why.npz"):
        assert main(["explain", *places, "--user", "u0003", "--item", "i0005", "--output", str(tmp_path / name)]) == 0
    assert "i0005" in json.loads((tmp_path / "why.json").read_text())["target"]["item"]
    first, second = Explanation.load(tmp_path / "why.json"), Explanation.load(tmp_path / "why.npz")
    assert first.to_dict() == second.to_dict()
    assert len(first.interest_extraction.layers) == 1


def test_the_whole_history_ends_with_the_item_that_is_held_out_otherwise(places, tmp_path):
    output = tmp_path / "why.json"
    lasts = []
    for extra in ([], ["--whole-history"]):
        assert main(["explain", *places, "--user", "u0003", "--output", str(output), *extra]) == 0
        lasts.append(json.loads(output.read_text())["history"][-2:])
    assert lasts[0][-1] == lasts[1][-2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--user", "nobody"], "no user 'nobody'"),
        (["--user", "u0003", "--item", "i9999"], "no item 'i9999'"),
        (["--user", "u0003", "--output", "why.txt"], ".json or .npz"),
        (["--user", "u0003", "--output", "no/such/folder/why.json"], "does not exist"),
    ],
)
def test_explain_refuses_with_a_sentence_and_writes_nothing(places, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    given = arguments if "--output" in arguments else [*arguments, "--output", "why.json"]
    assert words in refused(capsys, "explain", *places, *given)
    assert list(tmp_path.iterdir()) == []


def test_places_that_are_not_what_they_should_be(places, tmp_path, capsys):
    checkpoint, dataset = places
    pickled = tmp_path / "model.pt"
    pickled.write_bytes(b"\x80\x04K\x01.")
    assert "pickle" in refused(capsys, "recommend", pickled, dataset, "--user", "u0003")
    assert "is a dataset" in refused(capsys, "recommend", dataset, dataset, "--user", "u0003")
    assert "manifest.json" in refused(capsys, "recommend", tmp_path, dataset, "--user", "u0003")
    assert refused(capsys, "recommend", checkpoint, checkpoint, "--user", "u0003")
    assert refused(capsys, "evaluate", checkpoint, tmp_path / "nowhere")


def test_a_dataset_that_does_not_match_the_checkpoint(places, tmp_path, capsys):
    log = tmp_path / "log.csv"
    log.write_text("user,item,timestamp\n" + "".join(f"a,other{i},{1_600_000_000 + i}\n" for i in range(9)))
    other = tmp_path / "other"
    assert main(["prepare", "csv", str(log), "--output", str(other), "--split", "leave-last"]) == 0
    capsys.readouterr()
    assert "knows none of the 8 items" in refused(capsys, "recommend", places[0], other, "--user", "a")
    assert "test split of 'other' has 1 positives" in refused(capsys, "evaluate", places[0], other)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "clusters"], "NAME=VALUE"),
        (["--set", "colour=red"], "one of"),
        (["--set", "clusters=twenty"], "clusters"),
        (["--set", "sparsity=2"], "from 0 to 1"),
        (["--epochs", "0"], "epochs"),
        (["--threads", "0"], "--threads"),
        (["--resume"], "no interrupted training"),
        (["--config", "broken.json"], "not a JSON file"),
        (["--preset", "printed"], "the presets are as-printed"),
        (["--config", "other.json"], "may hold model, training and evaluation"),
        (["--config", "flat.json"], "names heads; it may hold model, training and evaluation"),
        (["--config", "wrong.json"], "heads stands under training; it belongs under model"),
        (["--config", "twice.json"], "test_instances stands under training and evaluation; give it once"),
        (["--set", "test_instances=0"], "test_instances is 0"),
        (["--set", "item_count=5"], "it is counted in the dataset; leave it out"),
    ],
)
def test_train_refuses_settings_with_a_sentence(places, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("[1")
    (tmp_path / "other.json").write_text('{"modle": {}}')
    (tmp_path / "flat.json").write_text('{"heads": 2}')
    (tmp_path / "wrong.json").write_text('{"training": {"heads": 2}}')
    (tmp_path / "twice.json").write_text('{"training": {"test_instances": 2}, "evaluation": {"test_instances": 2}}')
    assert words in refused(capsys, "train", places[1], "--output", tmp_path / "out", *arguments)
    assert not (tmp_path / "out").exists()


def test_train_does_not_touch_a_checkpoint_that_is_there(places, capsys):
    before = (Path(places[0]) / "manifest.json").read_bytes()
    assert "already exists" in refused(capsys, "train", places[1], "--output", places[0], *SMALL)
    assert (Path(places[0]) / "manifest.json").read_bytes() == before


def test_train_goes_on_with_a_checkpoint_and_its_settings(places, tmp_path, capsys):
    output = tmp_path / "more"
    vectors = tmp_path / "vectors.csv"
    vectors.write_text("item,a,b,c,d,e,f\nnew,1,2,3,4,5,6\ni0005,1,2,3,4,5,6\n")
    again = ["train", places[1], "--from", places[0], "--output", str(output), "--epochs", "0"]
    assert main([*again, "--item-vectors", str(vectors), "--set", "patience=2"]) == 0
    out = capsys.readouterr().out
    assert "from model: " in out and "vectors.csv: 1 of its 2 items are in this dataset" in out
    assert "vectors of 6 numbers, from a, b, c, d, e, f" in out
    before, after = load_checkpoint(places[0]), load_checkpoint(output)
    assert after.model_config == before.model_config
    assert after.training_config == replace(before.training_config, epochs=0, patience=2, device="auto")
    assert after.evaluation_config == before.evaluation_config
    assert all(
        torch.equal(tensor, after.model.state_dict()[name]) for name, tensor in before.model.state_dict().items()
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--item-vectors", "v.csv"], "give it with --from CHECKPOINT"),
        (["--from", "nothing"], "is not a checkpoint folder"),
        (["--from", "DATASET"], "is a dataset, not a checkpoint"),
        (["--from", "MODEL", "--item-vectors", "v.csv"], "v.csv does not exist"),
        (["--from", "MODEL", "--set", "clusters=[3]"], "has clusters [4, 2], not [3]"),
        (["--from", "MODEL", "--preset", "as-printed"], "the settings of its model"),
    ],
)
def test_train_refuses_a_start_with_a_sentence(places, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    given = [{"DATASET": places[1], "MODEL": places[0]}.get(word, word) for word in arguments]
    assert words in refused(capsys, "train", places[1], "--output", "new", *given)
    assert not any(tmp_path.iterdir())


def test_a_config_file_gives_settings_and_options_win(places, tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({"model": {"heads": 2}, "training": {"seed": 5, "epochs": 1}}))
    output = tmp_path / "out"
    arguments = ["train", places[1], "--output", str(output), "--config", str(tmp_path / "settings.json"), *SMALL]
    assert main(arguments) == 0
    config = json.loads((output / "config.json").read_text())
    assert (config["model"]["heads"], config["training"]["seed"]) == (2, 3)


@pytest.mark.parametrize("part", ["evaluation", "training"])
def test_a_config_file_says_how_to_evaluate_and_one_of_before_says_it_under_training(tmp_path, part):
    (tmp_path / "settings.json").write_text(json.dumps({part: {"test_instances": 7, "catalogue_instances": None}}))
    given = ["train", "shop", "--output", "out", "--config", str(tmp_path / "settings.json"), "--set", "time=age"]
    assert read_settings(build_parser().parse_args([*given, "--set", "evaluation_negatives=3", "--seed", "2"])) == {
        "model": {"time": "age"},
        "training": {"seed": 2},
        "evaluation": {"test_instances": 7, "catalogue_instances": None, "evaluation_negatives": 3},
    }


def test_a_preset_gives_settings_and_both_the_file_and_the_options_win(places, tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({"model": {"gate": "relative"}, "training": {"patience": 7}}))
    output = tmp_path / "out"
    own = ["--config", str(tmp_path / "settings.json"), "--set", "balance_weight=0.5", "--set", "readout=false", *SMALL]
    assert main(["train", places[1], "--output", str(output), "--preset", "as-printed", *own]) == 0
    config = json.loads((output / "config.json").read_text())
    printed = preset("as-printed")
    assert config["model"]["clusters"] == [4, 2]
    for part, won in (("model", {"gate": "relative", "readout": False}), ("training", {"balance_weight": 0.5})):
        assert {name: config[part][name] for name in printed[part]} == printed[part] | won
    assert config["training"]["patience"] == 7
    history = json.loads((output / "history.json").read_text())
    assert all(0 < epoch["total"] < 3 for epoch in history)


def test_help_needs_no_torch_and_names_every_command():
    code = (
        "import sys, surge.cli as c\n"
        "text = c.build_parser().format_help()\n"
        "assert not {'torch', 'polars', 'numpy'} & set(sys.modules), 'a heavy import'\n"
        "print(text)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in ("simulate", "prepare", "train", "evaluate", "recommend", "explain"):
        assert command in done.stdout
