"""The model page, run without a browser: what it shows of good, poor and odd checkpoints."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import cluster_usage as usage
from app.cache import CACHE
from app.surveys import evaluate_command, find_comparison
from surge.checkpoint import load_checkpoint
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.explanation.survey_file import survey_path
from surge.folders import ROOTS_VARIABLE
from tests.app import drawn
from tests.app.conftest import World
from tests.app.drawn import said
from tests.app.shipped import CHECKPOINTS, shipped
from tests.surveys import make_survey, write_file


def _script() -> None:
    from app.screens.model import page

    page()


@pytest.fixture
def root(world: World, tmp_path: Path) -> Path:
    """A folder of its own with the small checkpoint and dataset."""
    for name in ("tiny model", "tiny"):
        shutil.copytree(world.root / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def open_page(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    monkeypatch.setenv(ROOTS_VARIABLE, str(root))
    CACHE.forget("usage")
    monkeypatch.setattr("app.components.usage_panel.seconds_needed", lambda *_: 0.4)  # however busy the machine is

    def open_at(checkpoint: str = "tiny model", dataset: str = "tiny") -> AppTest:
        page = AppTest.from_function(_script, default_timeout=120)
        page.query_params["checkpoint"], page.query_params["dataset"] = checkpoint, dataset
        page.run()
        assert not page.exception
        return page

    return open_at


def tiny(root: Path) -> Dataset:
    return Dataset.load(root / "tiny")


def tables(page: AppTest) -> str:
    """The tables of words, which are HTML."""
    return " ".join(element.proto.body for element in page.get("html"))


def charts(page: AppTest) -> list[str]:
    return list(drawn.charts(page))


RELIABILITY: dict[str, Any] = {
    "calibration_error": 0.004,
    "calibration_error_first": 0.0213,
    "reliability_probability": [0.002 * 1.5**place for place in range(10)],
    "reliability_share": [0.0, *(0.002 * 1.4**place for place in range(1, 10))],
    "reliability_count": [300] * 10,
    "catalogue_instances": 300,
}


def forge(folder: Path, metrics: dict[str, Any]) -> None:
    """Other metrics than training wrote, with a manifest that fits."""
    content = json.dumps(metrics).encode()
    (folder / "metrics.json").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["metrics.json"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_the_demo_shows_everything(open_page, root: Path):
    demo = root / "demo, measured"
    shutil.copytree(CHECKPOINTS / "demo", demo)
    config, history, metrics = (shipped("demo", f"{name}.json") for name in ("config", "history", "metrics"))
    cold = {"positives": 13_756, "unknown_positives": 3, "positives_without_history": 0, "cold_positives": 2}
    metrics["test"] |= RELIABILITY | cold | {"instances": 4000, "negatives": 99}
    metrics["validation"].pop("catalogue_instances", None)
    forge(demo, metrics)
    page = open_page("demo, measured", "sample_data")
    assert charts(page) == ["loss_curves", "metric_curves", "reliability", "metric_weights", "cluster_usage"]
    best = max(history, key=lambda record: record["valid_gauc"])["epoch"]
    assert f"The diamond marks epoch {best}," in said(page)
    words, auc = tables(page), f"{metrics['test']['auc']:.3f}"
    for text in ("Effective clusters", "2,000 items in 40 categories", auc, "Expected calibration error", "0.40 %"):
        assert text in words
    assert words.index("Among all items") < words.index("Among drawn items") < words.index("Deletion by importance")
    assert "ranked by chance among all 2,000 items: 300 users in test." in said(page)
    assert "Each true next item against 99 others: 1,000 lists in validation and 4,000 lists in test." in said(page)
    assert "true next items of the 13,756 in the test split: 3 of items that the model doesn't know." in said(page)
    assert "The ten best items of a user were given a chance of 2.3 % each, on average, and 1.4 % of them" in said(page)
    assert "Test split: 3,000 predictions of 300 users in 10 groups of 300." in said(page)
    clusters = config["model"]["clusters"][0]
    assert "The item part holds" in said(page) and f"{clusters} clusters over 200 users" in said(page)
    assert not page.error and not page.warning and "been measured yet" not in said(page)


def test_what_was_not_measured_yet_is_one_sentence_with_its_command(open_page, root: Path):
    forge(root / "tiny model", {"validation": {"auc": 0.625, "catalogue_hr@10": 0.1, **RELIABILITY}})
    page = open_page()
    assert said(page).count("Neither the test split nor the explanations of this checkpoint have been measured") == 1
    command = f"python -m surge evaluate '{root / 'tiny model'}' {root / 'tiny'}"
    assert page.code[0].value == command == evaluate_command(load_checkpoint(root / "tiny model"), tiny(root))
    assert "0.625" in tables(page) and "Validation</th>" in tables(page) and "Test</th>" not in tables(page)
    assert "Validation split: 3,000 predictions of 300 users" in said(page)
    assert "The explanations have not been measured yet; the command at the top of the page does it." in said(page)
    assert charts(page) == ["reliability", "metric_weights", "cluster_usage"] and not page.error and not page.warning


def test_the_command_names_the_checkpoints_own_dataset(root: Path):
    checkpoint, dataset = load_checkpoint(root / "tiny model"), tiny(root)
    asked = f"python -m surge evaluate '{root / 'tiny model'}'"
    assert evaluate_command(checkpoint, None) == f"{asked} DATASET"
    for digest, named in ((dataset.digest, str(root / "tiny")), ("other", "DATASET")):
        checkpoint.description["dataset"] = {"digest": digest}
        assert evaluate_command(checkpoint, dataset) == f"{asked} {named}"
    checkpoint.description["dataset"] = "a name"
    assert evaluate_command(checkpoint, dataset) == f"{asked} {root / 'tiny'}"


@pytest.mark.parametrize("bins", [[0.1, 0.2], [float("nan")] * 10, "<b>", None, [[0.1]] * 10], ids=str)
def test_damaged_chances_are_one_sentence(open_page, root: Path, bins: Any):
    forge(root / "tiny model", {"test": {"auc": 0.75, **RELIABILITY, "reliability_share": bins}})
    page = open_page()
    assert [warning.value.replace("\\", "") for warning in page.warning] == [
        "The chances of the test split in metrics.json are damaged, so they are not drawn; measure again with "
        "`python -m surge evaluate`."
    ]
    assert "0.750" in tables(page) and charts(page) == ["metric_weights", "cluster_usage"]


def test_a_checkpoint_that_says_little(open_page):
    page = open_page()
    assert "history.json holds no training curves" in said(page)
    assert "metrics.json doesn't say how often the predicted items came next" in said(page)
    assert charts(page) == ["metric_weights", "cluster_usage"]
    assert "The survey of all users says this, and there is none yet" in said(page)
    assert page.code[0].value.startswith("python -m surge survey ")


def test_lengths_come_from_the_survey(open_page, root: Path):
    checkpoint, dataset = load_checkpoint(root / "tiny model"), Dataset.load(root / "tiny")
    path = survey_path(root / "tiny model")
    write_file(path, make_survey(dataset.users), checkpoint.digest, dataset.digest)
    page = open_page()
    lengths = tables(page).split("How well the next item ranks by length of the history.")[-1]
    assert "HR@10 among all items</th>" in lengths and len(re.findall(r"<td>[0-9]+ to [0-9]+ items</td>", lengths)) == 4
    assert "those whose next item lies in the test period" in said(page)
    write_file(path, make_survey(dataset.users), "other", dataset.digest)
    page = open_page()
    assert "made with another checkpoint" in said(page) and "MRR among all items</th>" in tables(page)
    path.write_bytes(b"nonsense")
    assert len(open_page().error) == 1


def test_usage_waits_for_a_button_where_it_takes_long(open_page, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.components.usage_panel.seconds_needed", lambda *_: 7.4)
    page = open_page()
    assert charts(page) == ["metric_weights"]
    button = page.button(key="measure_usage")
    assert button.label == "Measure cluster usage on 64 users (about 7 s)"
    button.click().run()
    assert charts(page) == ["metric_weights", "cluster_usage"]
    page = open_page()  # another session: it is known
    assert charts(page) == ["metric_weights", "cluster_usage"]


def test_the_estimate_is_a_time(open_page, root: Path):
    checkpoint, dataset = load_checkpoint(root / "tiny model"), Dataset.load(root / "tiny")
    assert 0 < usage.seconds_needed(checkpoint, dataset) < 60


def test_comparisons_beside_the_checkpoint(open_page, root: Path):
    rows = [{"name": "full", "test": {"auc": 0.9}}, {"name": "![](http://x/y.png)", "test": {"auc": 0.8}}]
    (root / "tiny model.ablations.json").write_text(json.dumps(rows), encoding="utf-8")
    (root / "tiny model" / "baselines.json").write_text('[{"name": "<b>"}]', encoding="utf-8")
    page = open_page()
    assert page.dataframe[0].value["name"].tolist() == ["full", "![](http://x/y.png)"]
    assert "With parts switched off" in said(page) and "Beside other models" in said(page)
    assert [warning.value.replace("\\", "") for warning in page.warning] == [
        "baselines.json holds no metric that is a number; it is left out."
    ]


@pytest.mark.parametrize(
    ("file", "trained_on", "shown", "told"),
    [
        ({"dataset": {"digest": "d"}}, {"digest": "d"}, True, ""),
        ({"dataset": {"digest": "another"}}, {"digest": "d"}, False, ""),
        ({"dataset": {"digest": "d"}}, {}, False, ""),
        ({"dataset": ["d"]}, {"digest": "d"}, False, "name it tiny model.baselines.json"),
        ({}, {}, False, "doesn't say which dataset it was measured on, so it is left out"),
    ],
)
def test_what_lies_beside_many_checkpoints_counts_for_those_of_its_dataset(
    root: Path, file: dict, trained_on: dict, shown: bool, told: str
):
    run = {"label": "gru4rec", "test": {"auc": 0.7}}
    (root / "baselines.json").write_text(json.dumps({**file, "runs": [run]}), encoding="utf-8")
    checkpoint = load_checkpoint(root / "tiny model")
    checkpoint.description["dataset"] = trained_on
    if told:
        with pytest.raises(SurgeError, match=told):
            find_comparison(checkpoint, "baselines.json")
    else:
        assert (find_comparison(checkpoint, "baselines.json") is not None) == shown


def test_the_checkpoints_own_comparison_comes_first_and_links_are_not_followed(open_page, root: Path):
    (root / "tiny model.ablations.json").write_text('[{"name": "outside", "auc": 1}]', encoding="utf-8")
    (root / "tiny model" / "ablations.json").write_text('[{"name": "inside", "auc": 1}]', encoding="utf-8")
    assert open_page().dataframe[0].value["name"].tolist() == ["inside"]
    (root / "tiny model" / "ablations.json").unlink()
    assert open_page().dataframe[0].value["name"].tolist() == ["outside"]
    (root / "tiny model.ablations.json").rename(root / "elsewhere.json")
    (root / "tiny model.ablations.json").symlink_to(root / "elsewhere.json")
    assert "With parts switched off" not in said(open_page())


def test_a_dataset_that_does_not_match(open_page, world: World, root: Path):
    shutil.copytree(world.root / "foreign", root / "foreign")
    page = open_page(dataset="foreign")
    assert "knows no item of any of these users" in said(page)
    assert charts(page) == ["metric_weights"]


def test_hostile_metrics_and_descriptions_are_text(open_page, root: Path):
    forge(root / "tiny model", {"<img src=x>": {"</table><script>": 0.5, "note": "<b>bold</b>"}})
    page = open_page()
    words = tables(page)
    assert "&lt;img src=x&gt;" in words and "&lt;/table&gt;&lt;script&gt;" in words and "&lt;b&gt;bold" in words
    assert "<img" not in words and "<script" not in words
    assert "The explanations have not been measured yet" in said(page)


def test_without_a_checkpoint_only_the_bar_speaks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(ROOTS_VARIABLE, str(tmp_path / "missing"))
    monkeypatch.setattr("app.library.PROJECT", tmp_path)
    page = AppTest.from_function(_script, default_timeout=60).run()
    assert not page.exception and "No checkpoint was found" in said(page)
    assert not charts(page)
