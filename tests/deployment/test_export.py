"""The folder of an export: whole or not at all, and what is said where something can't be written."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path

import pytest

import surge
from surge.checkpoint import load_checkpoint, save_checkpoint
from surge.cli import main
from surge.deployment import export as exporting
from surge.deployment import onnx_model
from surge.deployment.export import export
from surge.errors import SurgeError
from tests.explanation.worlds import make_checkpoint

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = str(ROOT / "sample_data")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a small checkpoint, called model."""
    made = make_checkpoint(temperature=2.0, exclude_seen=True, next_item=True)
    save_checkpoint(
        tmp_path / "model",
        made.model,
        made.items,
        training_config=made.training_config,
        metrics={},
        history=[],
        description={**made.description, "lift_constant": 0.5, "dataset": {"name": "shop"}},
    )
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The sentence on stderr of a command that must fail."""
    assert main(["export", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("error: ") and captured.err.count("\n") == 1
    return captured.err.removeprefix("error: ").rstrip("\n")


@pytest.mark.usefixtures("no_model")
def test_the_description_says_what_is_there(place: Path) -> None:
    done = surge.export(load_checkpoint(place / "model"), str(place / "out"))
    assert json.loads((place / "out" / "export.json").read_text(encoding="utf-8")) == done
    assert done["checkpoint"] == {
        "name": "model",
        "digest": load_checkpoint(place / "model").digest,
        "dataset": "shop",
    }
    ranking = done["ranking"]
    assert (ranking["temperature"], ranking["lift_constant"], ranking["exclude_seen"]) == (2.0, 0.5, True)
    assert set(done["left_out"]) == {"interests.parquet", "model.onnx"}
    written = {path.name for path in (place / "out").iterdir()} - {"export.json"}
    assert written == set(done["files"]) == {"items.parquet", "embeddings.npy", "next_item.npy"} - set(done["left_out"])
    for name, entry in done["files"].items():
        content = (place / "out" / name).read_bytes()
        assert entry == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


@pytest.mark.usefixtures("no_model")
def test_an_export_is_replaced_with_force_alone(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [place / "model", "--output", place / "out"]
    assert main(["export", *map(str, arguments)]) == 0
    capsys.readouterr()
    before = (place / "out" / "export.json").read_bytes()
    (place / "out" / "model.onnx").write_bytes(b"an older one")
    assert refused(capsys, *arguments) == (
        f"{place / 'out'} is not empty; give another folder, or --force to replace the export in it"
    )
    assert main(["export", *map(str, arguments), "--force"]) == 0
    assert (place / "out" / "export.json").read_bytes() == before
    assert not (place / "out" / "model.onnx").exists()
    assert {path.name for path in place.iterdir()} == {"model", "out"}


def test_what_is_no_export_is_never_replaced(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = place / "mine"
    other.mkdir()
    (other / "diary.txt").write_text("dear diary")
    words = refused(capsys, place / "model", "--output", other, "--force")
    assert words == f"{other} holds 'diary.txt', so it is not replaced even with --force; give another folder"
    (other / "diary.txt").rename(other / "items.parquet")
    words = refused(capsys, place / "model", "--output", other, "--force")
    assert words == f"{other} has no export.json, so it is not replaced even with --force; give another folder"
    assert (other / "items.parquet").read_text() == "dear diary"
    words = refused(capsys, place / "model", "--output", other / "items.parquet")
    assert words == f"{other / 'items.parquet'} is a file; give a folder that does not exist yet"


@pytest.mark.parametrize("output", ["model", "model/export", "model/../model/export", "link/export"])
def test_nothing_is_written_into_the_checkpoint(place: Path, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "link").symlink_to(place / "model")
    before = {path: path.read_bytes() for path in (place / "model").iterdir()}
    words = refused(capsys, place / "model", "--output", place / output, "--force")
    assert words == f"{place / output} lies in the checkpoint itself, which is never changed; give another folder"
    assert {path: path.read_bytes() for path in (place / "model").iterdir()} == before


def test_nothing_is_written_into_the_dataset(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = refused(capsys, place / "model", SAMPLE, "--output", f"{SAMPLE}/export")
    assert words == f"{SAMPLE}/export lies in the dataset itself, which is never changed; give another folder"
    assert not (ROOT / "sample_data" / "export").exists()


def test_no_checkpoint_is_a_sentence(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is not a checkpoint folder" in refused(capsys, place / "nowhere", "--output", place / "out")
    assert "is a dataset, not a checkpoint" in refused(capsys, SAMPLE, "--output", place / "out")
    assert refused(capsys, place / "model", place / "nowhere", "--output", place / "out")
    assert {path.name for path in place.iterdir()} == {"model"}


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
def test_a_failure_leaves_nothing_behind(place: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> None:
    def fail(*given: object) -> None:
        raise problem

    monkeypatch.setattr(exporting, "item_table", fail)
    assert main(["export", str(place / "model"), "--output", str(place / "new" / "out")]) in (2, 130)
    assert {path.name for path in place.iterdir()} == {"model"}


def test_without_the_extra_the_rest_is_written(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name in onnx_model.PACKAGES else found(name, *rest)
    )
    assert main(["export", str(place / "model"), "--output", str(place / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "embeddings.npy: 30 vectors of 40 numbers, also in items.parquet",
        "next_item.npy: 30 vectors of 40 numbers, also in items.parquet",
        "left out: interests.parquet: an item has no interest of its own, as its cluster depends on the history around "
        "it; give a dataset for means over its histories",
        "left out: model.onnx: onnx, onnxruntime, onnxscript are not installed: pip install onnx onnxruntime "
        "onnxscript",
        f"written to {place / 'out'}",
    ]
    assert (place / "out" / "embeddings.npy").exists() and not (place / "out" / "model.onnx").exists()


def test_one_missing_package_is_named_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(SurgeError, match=r"^onnxscript is not installed: pip install onnx onnxruntime onnxscript$"):
        onnx_model.check_packages()


def test_a_model_that_the_exporter_does_not_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object) -> None:
        try:
            raise ValueError("no such operator\nand a page of advice")
        except ValueError as error:
            raise RuntimeError("Failed to export") from error

    monkeypatch.setattr(onnx_model, "check_packages", lambda: None)
    monkeypatch.setattr(onnx_model, "_exported", fail)
    done = export(make_checkpoint(), tmp_path / "out")
    assert done["left_out"]["model.onnx"] == "torch's exporter does not take this model (no such operator)"
    assert "model" not in done and (tmp_path / "out" / "items.parquet").exists()


def test_a_model_of_other_numbers_is_not_left_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def differ(*given: object) -> None:
        raise SurgeError("onnxruntime's logits differ")

    def write(checkpoint: object, path: Path) -> None:
        path.write_bytes(b"wrong")
        path.with_name("model.onnx.data").write_bytes(b"weights")

    monkeypatch.setattr(exporting, "write_onnx", write)
    monkeypatch.setattr(exporting, "check_onnx", differ)
    done = export(make_checkpoint(), tmp_path / "out")
    assert done["left_out"]["model.onnx"] == "onnxruntime's logits differ"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"items.parquet", "embeddings.npy", "export.json"}


def test_a_recurrent_layer_over_very_many_items_is_not_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_model, "check_packages", lambda: None)
    with pytest.raises(SurgeError, match=r"^every item is its own cluster, so a recurrent layer reads up to 101 of"):
        onnx_model.write_onnx(make_checkpoint(extraction="none", max_length=101), Path("never"))
