"""model.onnx gives the model's own numbers: on the demo, and for settings that need care."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from surge import Dataset, load_checkpoint
from surge.checkpoint import Checkpoint
from surge.data.history import History
from surge.deployment.export import export
from surge.deployment.onnx_check import both_sides, check_onnx
from surge.deployment.onnx_model import open_session, run
from surge.errors import SurgeError
from surge.explanation.history import read_history
from surge.explanation.ranking import rank_catalogue
from tests.deployment.conftest import Exported, need_onnx
from tests.explanation.worlds import make_checkpoint, popular

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_700_000_000.0


@pytest.fixture(scope="module")
def demo() -> Checkpoint:
    return load_checkpoint(ROOT / "checkpoints" / "demo")


@pytest.fixture(scope="module")
def session(demo_export: Exported) -> Any:
    return open_session(demo_export.folder / "model.onnx")


def assert_same(session: Any, checkpoint: Checkpoint, histories: Sequence[History], candidates: np.ndarray) -> None:
    given, expected = both_sides(checkpoint, histories, candidates)
    logits, scores = run(session, given)
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    np.testing.assert_allclose(scores, logits + checkpoint.catalogue.log_popularity[candidates], rtol=1e-12)


def test_the_command_tells_what_it_wrote(demo_export: Exported) -> None:
    told = json.loads((demo_export.folder / "export.json").read_text(encoding="utf-8"))
    check = told["model"]["check"]
    assert check["readings"] == 521 and 0 < check["largest_difference"] < 1e-5
    assert demo_export.told == [
        "embeddings.npy: 2,000 vectors of 40 numbers, also in items.parquet",
        "interests.parquet: 14 clusters over 3,000 histories; 2,000 of 2,000 items were read",
        "model.onnx: logits and scores of history, candidates; onnxruntime's logits of 521 readings differ from the "
        f"model's own by at most {check['largest_difference']:.1e}",
        "left out: next_item.npy: the checkpoint has no next-item head, or trained none",
        f"written to {demo_export.folder}",
    ]
    assert {path.name for path in demo_export.folder.iterdir()} == {*told["files"], "export.json"}
    table = pl.read_parquet(demo_export.folder / "items.parquet")
    assert table["item"].to_list() == load_checkpoint(ROOT / "checkpoints" / "demo").items["item"].to_list()


@pytest.mark.parametrize("count", [1, 2, 300])
@pytest.mark.parametrize(
    "rows",
    [[7], [7, 7], [1999, 0], list(range(50)), [7] * 50, [3, 4] * 25, [5, 5, 5, 9, 9], list(range(600, 649))],
    ids=["one", "one twice", "two", "full", "full of one", "full of two", "repeats", "nearly full"],
)
def test_awkward_histories_one_by_one(session: Any, demo: Checkpoint, rows: list[int], count: int) -> None:
    candidates = np.random.default_rng(count).integers(2000, size=(1, count))
    candidates[0, 0] = rows[-1]
    assert_same(session, demo, [History.made_up(rows)], candidates)


def test_awkward_histories_together(session: Any, demo: Checkpoint) -> None:
    histories = [History.made_up(rows) for rows in ([7], [7] * 50, list(range(50)), [3, 4, 3], [1999, 0])]
    candidates = np.tile(np.array([7, 7, 0, 1999, 3, 1000]), (5, 1))
    assert_same(session, demo, histories, candidates)


def test_a_catalogue_is_ranked_as_the_project_ranks_it(session: Any, demo: Checkpoint) -> None:
    dataset = Dataset.load(ROOT / "sample_data")
    for user in ("u1313", "u0001"):
        history = read_history(demo, dataset, user)
        ranking = rank_catalogue(demo, history)
        logits, scores = run(session, {"history": history.rows[None], "candidates": np.arange(2000)[None]})
        np.testing.assert_allclose(logits[0], ranking.logits, atol=1e-5)
        np.testing.assert_allclose(scores[0], ranking.scores, atol=1e-5)
        assert np.argsort(-scores[0], kind="stable")[:20].tolist() == ranking.order[:20].tolist()


def test_padding_changes_nothing_and_has_no_score(session: Any) -> None:
    history, candidates = np.array([[3, 1, 4], [5, 9, -1]]), np.array([[2, 6], [2, 6]])
    logits, _ = run(session, {"history": history, "candidates": candidates})
    padded = np.pad(history, ((0, 0), (0, 30)), constant_values=-1)
    more = np.array([[2, -1, 6], [-1, 2, 6]])
    again, scores = run(session, {"history": padded, "candidates": more})
    np.testing.assert_allclose(again[more >= 0].reshape(2, 2), logits, atol=1e-5)
    assert (again[more < 0] == -np.inf).all() and (scores[more < 0] == -np.inf).all()


def test_a_history_of_padding_alone_has_no_score_and_spoils_no_other(session: Any) -> None:
    logits, _ = run(session, {"history": np.array([[-1, -1], [3, 4]]), "candidates": np.array([[2, 6], [2, 6]])})
    alone, _ = run(session, {"history": np.array([[3, 4]]), "candidates": np.array([[2, 6]])})
    assert np.isnan(logits[0]).all()
    np.testing.assert_allclose(logits[1], alone[0], atol=1e-5)


def test_a_row_that_the_catalogue_does_not_have_is_refused(session: Any) -> None:
    with pytest.raises(Exception, match="2000"):
        run(session, {"history": np.array([[2000]]), "candidates": np.array([[1]])})


def test_the_file_says_nothing_of_the_machine(demo_export: Exported) -> None:
    content = (demo_export.folder / "model.onnx").read_bytes()
    assert len(content) < 1_500_000
    for word in (str(ROOT), "site-packages", ".py", "File "):
        assert word.encode() not in content, word


def test_float64_stays_float64_and_is_multiplied_as_older_onnxruntimes_can(demo_export: Exported) -> None:
    import onnx

    graph = onnx.load(demo_export.folder / "model.onnx").graph
    exact = [x for x in graph.initializer if x.data_type == onnx.TensorProto.DOUBLE and not x.dims]
    assert math.sqrt(2) in [onnx.numpy_helper.to_array(x) for x in exact]  # of the two metric heads
    assert [node.op_type for node in graph.node].count("Einsum") == 1


def test_another_model_is_told_from_the_exported_one(demo_export: Exported, demo: Checkpoint) -> None:
    path = demo_export.folder / "model.onnx"
    assert check_onnx(demo, path)["largest_difference"] < 1e-5
    other = load_checkpoint(ROOT / "checkpoints" / "demo")
    with torch.no_grad():
        other.model.predict.score[-1].bias += 0.001
    with pytest.raises(
        SurgeError, match=r"^onnxruntime's logits differ from the model's own by up to 0\.001, more than"
    ):
        check_onnx(other, path)
    counted = replace(demo, items=demo.items.with_columns(count=pl.lit(1)))  # q is another one
    with pytest.raises(SurgeError, match=r"^onnxruntime's logits differ"):
        check_onnx(counted, path)


def test_a_file_that_onnxruntime_can_not_run(tmp_path: Path, demo: Checkpoint) -> None:
    need_onnx()
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(SurgeError, match=r"^onnxruntime can't run it \("):
        check_onnx(demo, tmp_path / "model.onnx")


def test_ages_several_layers_and_heads(tmp_path: Path) -> None:
    """At every edge of `age_bucket`, where another engine's logarithm may fall short of a whole number."""
    need_onnx()
    checkpoint = make_checkpoint(
        counts=popular(), time="age", clusters=(5, 3), heads=2, hops=2, max_length=12, long_term=True, sparsity=0.07
    )
    done = export(checkpoint, tmp_path / "out")
    assert done["left_out"].keys() == {"interests.parquet", "next_item.npy"}
    assert list(done["model"]["inputs"]) == ["history", "candidates", "ages"]
    session = open_session(tmp_path / "out" / "model.onnx")
    edges = 2.0 ** np.arange(33) - 1
    ages = np.concatenate([edges, edges + 1, np.maximum(edges - 1, 0), [np.nan, -5.0, 0.5, 3e9]])
    rng = np.random.default_rng(0)
    histories = [
        History(rng.integers(30, size=len(part)), NOW - part, now=NOW) for part in np.array_split(ages, len(ages) // 6)
    ]
    histories.append(History.made_up(rng.integers(30, size=10)))  # 0.07 of 10 x 10 are 7, in float64 a hair more
    assert_same(session, checkpoint, histories, rng.integers(30, size=(len(histories), 9)))


def test_a_recurrent_layer_over_all_items_reads_histories_of_one_length(tmp_path: Path) -> None:
    need_onnx()
    checkpoint = make_checkpoint(counts=popular(), extraction="none", max_length=6)
    done = export(checkpoint, tmp_path / "out")
    assert done["model"]["fixed_length"] == 6
    session = open_session(tmp_path / "out" / "model.onnx")
    assert session.get_inputs()[0].shape == ["batch", 6]
    histories = [History.made_up(rows) for rows in ([1], [2, 2, 3], [1, 2, 3, 4, 5, 6])]
    assert_same(session, checkpoint, histories, np.array([[1, 2], [3, 3], [9, 0]]))


def test_the_documented_service_runs_without_torch_and_ranks_as_the_project(
    tmp_path: Path, demo_export: Exported, demo: Checkpoint
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "production.md").read_text(encoding="utf-8"), re.S)
    assert code.count("\n") <= 20
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "demo-export").symlink_to(demo_export.folder)
    blocked = "import sys\nsys.modules['torch'] = sys.modules['surge'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", blocked + code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [demo.rows[item] for item in ("i0001", "i0008", "i0005")]
    best = rank_catalogue(demo, History.made_up(rows)).top(10)
    assert done.stdout.splitlines() == [f"{one.item}  {one.next_probability:.2%}" for one in best]
