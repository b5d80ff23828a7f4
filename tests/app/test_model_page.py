"""The model page, run without a browser: what it shows of good, poor and odd checkpoints."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import loading, usage
from surge.checkpoint import load_checkpoint
from surge.data.store import Dataset
from surge.explanation.survey import survey_path
from tests.app import drawn
from tests.app.conftest import World
from tests.app.drawn import said
from tests.app.shipped import shipped
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
    monkeypatch.setenv(loading.ROOTS_VARIABLE, str(root))
    usage._shelf().clear()
    monkeypatch.setattr("app.screens.model.seconds_needed", lambda *_: 0.4)  # however busy the machine is

    def open_at(checkpoint: str = "tiny model", dataset: str = "tiny") -> AppTest:
        page = AppTest.from_function(_script, default_timeout=120)
        page.query_params["checkpoint"], page.query_params["dataset"] = checkpoint, dataset
        page.run()
        assert not page.exception
        return page

    return open_at


def tables(page: AppTest) -> str:
    """The tables of words, which are HTML."""
    return " ".join(element.proto.body for element in page.get("html"))


def charts(page: AppTest) -> list[str]:
    return list(drawn.charts(page))


def test_the_demo_shows_everything(open_page):
    page = open_page("demo", "sample_data")
    assert charts(page) == ["loss_curves", "metric_curves", "metric_weights", "cluster_usage"]
    config, history, metrics = (shipped("demo", f"{name}.json") for name in ("config", "history", "metrics"))
    best = max(history, key=lambda record: record["valid_gauc"])["epoch"]
    assert f"The diamond marks epoch {best}," in said(page)
    words, auc = tables(page), f"{metrics['test']['auc']:.4f}"
    for text in ("Effective clusters", "2,000 items in 40 categories", auc, "Hit rate@10, whole catalogue"):
        assert text in words
    clusters = config["model"]["clusters"][0]
    assert "The item part holds" in said(page) and f"{clusters} clusters over 200 users" in said(page)
    assert not page.error and not page.warning


def test_a_checkpoint_that_says_little(open_page):
    page = open_page()
    assert "history.json holds no training curves" in said(page)
    assert charts(page) == ["metric_weights", "cluster_usage"]
    assert "The survey of all users says this, and there is none yet" in said(page)
    assert page.code[0].value.startswith("python -m surge survey ")


def test_lengths_come_from_the_survey(open_page, root: Path):
    checkpoint, dataset = load_checkpoint(root / "tiny model"), Dataset.load(root / "tiny")
    path = survey_path(root / "tiny model")
    write_file(path, make_survey(dataset.users), checkpoint.digest, dataset.digest)
    page = open_page()
    table = page.dataframe[0].value
    assert list(table) == ["length", "users", "hit@10", "mrr", "median rank"] and len(table) == 4
    assert "those whose next item lies in the test period" in said(page)
    write_file(path, make_survey(dataset.users), "other", dataset.digest)
    page = open_page()
    assert "made with another checkpoint" in said(page) and page.dataframe
    path.write_bytes(b"nonsense")
    assert len(open_page().error) == 1


def test_usage_waits_for_a_button_where_it_takes_long(open_page, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.screens.model.seconds_needed", lambda *_: 7.4)
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
    assert 0 < usage.seconds_needed((checkpoint.digest, dataset.digest), checkpoint, dataset) < 60


def test_the_shelf_keeps_a_few(root: Path, monkeypatch: pytest.MonkeyPatch):
    checkpoint, dataset = load_checkpoint(root / "tiny model"), Dataset.load(root / "tiny")
    usage._shelf().clear()
    monkeypatch.setattr(usage, "MOST_ENTRIES", 2)
    for number in range(3):
        object.__setattr__(dataset, "digest", str(number))
        usage.measure_usage(checkpoint, dataset, lambda share: None)
    assert [key[1] for key in usage._shelf()] == ["1", "2"]
    usage._shelf().clear()


def test_comparisons_beside_the_checkpoint(open_page, root: Path):
    rows = [{"name": "full", "test": {"auc": 0.9}}, {"name": "![](http://x/y.png)", "test": {"auc": 0.8}}]
    (root / "ablations.json").write_text(json.dumps(rows), encoding="utf-8")
    (root / "tiny model" / "baselines.json").write_text('[{"name": "<b>"}]', encoding="utf-8")
    page = open_page()
    assert page.dataframe[0].value["name"].tolist() == ["full", "![](http://x/y.png)"]
    assert "With parts switched off" in said(page) and "Beside other models" in said(page)
    assert [warning.value.replace("\\", "") for warning in page.warning] == [
        "baselines.json holds no metric that is a number; it is left out."
    ]


def test_the_checkpoints_own_comparison_comes_first_and_links_are_not_followed(open_page, root: Path):
    (root / "ablations.json").write_text('[{"name": "outside", "auc": 1}]', encoding="utf-8")
    (root / "tiny model" / "ablations.json").write_text('[{"name": "inside", "auc": 1}]', encoding="utf-8")
    assert open_page().dataframe[0].value["name"].tolist() == ["inside"]
    (root / "tiny model" / "ablations.json").unlink()
    (root / "ablations.json").rename(root / "elsewhere.json")
    (root / "ablations.json").symlink_to(root / "elsewhere.json")
    assert "With parts switched off" not in said(open_page())


def test_a_dataset_that_does_not_match(open_page, world: World, root: Path):
    shutil.copytree(world.root / "foreign", root / "foreign")
    page = open_page(dataset="foreign")
    assert "knows no item of any of these users" in said(page)
    assert charts(page) == ["metric_weights"]


def test_hostile_metrics_and_descriptions_are_text(open_page, root: Path):
    folder = root / "tiny model"
    metrics = {"<img src=x>": {"</table><script>": 0.5, "note": "<b>bold</b>"}}
    content = json.dumps(metrics).encode()
    (folder / "metrics.json").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["metrics.json"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    page = open_page()
    words = tables(page)
    assert "&lt;img src=x&gt;" in words and "&lt;/table&gt;&lt;script&gt;" in words and "&lt;b&gt;bold" in words
    assert "<img" not in words and "<script" not in words
    assert "holds no figures about its explanations" in said(page)


def test_without_a_checkpoint_only_the_bar_speaks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(loading.ROOTS_VARIABLE, str(tmp_path / "missing"))
    monkeypatch.setattr(loading, "PROJECT", tmp_path)
    page = AppTest.from_function(_script, default_timeout=60).run()
    assert not page.exception and "No checkpoint was found" in said(page)
    assert not charts(page)
