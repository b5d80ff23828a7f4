"""A training run: what it learns, that it is repeatable and resumes to the bit, when it stops, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from surge.checkpoint import Checkpoint, load_checkpoint
from surge.config import TrainingConfig
from surge.data.dataset import Dataset
from surge.data.instances import Instances
from surge.errors import SurgeError
from surge.evaluation.evaluate import evaluate_lists, evaluate_split
from surge.recommenders.base import Recommender
from surge.recommenders.surge import Surge
from surge.training import fit, trainer
from surge.training.data import TrainingData
from surge.training.fit import Fit
from surge.training.state import TrainingState, state_folder
from surge.training.trainer import Trainer, choose_device, train
from tests.training.toy import MODEL, dataset_of, measured, settings

REGULARISERS = ("same_mapping", "single_affiliation", "relative_position", "balance", "l2")
cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")


def run(dataset: Dataset, output: Path, config: TrainingConfig | None = None, **options: Any) -> Checkpoint:
    given = {"evaluation": measured(), "quiet": True} | options
    return train(dataset, output, model=MODEL, training=config or settings(), **given)


def content(folder: Path) -> dict[str, Any]:
    """All of a checkpoint that must be the same when it is made again."""
    history = json.loads((folder / "history.json").read_text())
    for record in history:
        record.pop("seconds")
    files = ("config.json", "model.safetensors", "items.parquet", "metrics.json", "README.md")
    return {name: (folder / name).read_bytes() for name in files} | {"history.json": history}


def scripted(gauc: Iterable[float]) -> tuple[Callable[..., dict[str, float]], list[dict[str, torch.Tensor]]]:
    """An `evaluate_lists` that gives these GAUCs one after another, and the weights it was called with."""
    values, weights = iter(gauc), []

    def evaluate(recommender: Recommender, *_: object, **__: object) -> dict[str, float]:
        weights.append({name: tensor.clone() for name, tensor in recommender.network.state_dict().items()})
        return {"gauc": next(values), "auc": 0.5, "mrr": 0.5}

    return evaluate, weights


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def trained(simulated: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A run that nothing interrupts; the other runs are compared with it."""
    return run(simulated, tmp_path_factory.mktemp("trained") / "whole")


# -- what a run leaves --------------------------------------------------------------------------------


def test_the_checkpoint_says_what_it_was_trained_on(trained: Checkpoint, simulated: Dataset) -> None:
    said = trained.description["dataset"]
    assert (said["name"], said["digest"]) == (simulated.name, simulated.digest)
    assert {part: said[part] for part in ("split", "time_range")} == {
        part: simulated.description[part] for part in ("split", "time_range")
    }
    assert "start" not in trained.description


def test_the_loss_falls(trained: Checkpoint) -> None:
    losses = [record["log_loss"] for record in trained.history]
    assert losses[-1] < losses[0] - 0.05


def test_history_holds_every_regulariser_and_they_add_up(trained: Checkpoint) -> None:
    loss = trained.training_config.loss
    assert [record["epoch"] for record in trained.history] == [1, 2, 3]
    assert [record["step"] for record in trained.history] == [6, 12, 18]
    for record in trained.history:
        assert all(record[name] > 0 for name in ("log_loss", "total", "seconds", *REGULARISERS))
        assert 0 <= record["valid_gauc"] <= 1
        unwarmed = record["total"] - (
            record["log_loss"]
            + loss.same_mapping_weight * record["same_mapping"]
            + loss.relative_position_weight * record["relative_position"]
            + loss.balance_weight * record["balance"]
            + loss.next_item_weight * record["next_item"]
        )
        # six steps of warm-up are the first epoch: weights 0, 1/6, ... 5/6 of a term that hardly moves in it
        weight = loss.single_affiliation_weight * (2.5 / 6 if record["epoch"] == 1 else 1)
        tolerance = 1e-3 if record["epoch"] == 1 else 1e-5
        assert unwarmed == pytest.approx(weight * record["single_affiliation"], abs=tolerance)


def test_l2_is_that_of_the_weights(trained: Checkpoint, simulated: Dataset, tmp_path: Path) -> None:
    last = run(simulated, tmp_path / "one", settings(epochs=1))
    squares = sum(float(p.double().square().sum()) for p in last.model.parameters())
    assert last.history[0]["l2"] == pytest.approx(1e-4 * squares, rel=1e-9)


@pytest.mark.parametrize("weight", [1.0, 10.0])
def test_l2_shrinks_the_weights_that_are_trained(simulated: Dataset, tmp_path: Path, weight: float) -> None:
    """It did nothing for as long as it was a factor of 1 - lr * weight, which float32 rounds to 1."""
    ends = [run(simulated, tmp_path / f"{w}", settings(weight_decay=w)).model for w in (0.0, weight)]
    free, held = (sum(float(p.square().sum()) for p in model.parameters()) for model in ends)
    assert held < 0.95 * free


def test_metrics_of_a_run(trained: Checkpoint) -> None:
    """Of the validation split alone: whoever chooses settings by a run must not see the test split."""
    assert set(trained.metrics) == {"validation"}
    figures = trained.metrics["validation"]
    lists = {"auc", "gauc", "list_auc", "mrr", "ndcg@2", "ndcg@10", "hr@10"}
    best = trained.history[trained.description["best_epoch"] - 1]
    assert best["valid_gauc"] == max(record["valid_gauc"] for record in trained.history)
    assert {name: figures[name] for name in lists} == {name: best[f"valid_{name}"] for name in lists}
    assert (figures["instances"], figures["negatives"]) == (40, 20)
    assert figures["catalogue_instances"] == 5 and 0 <= figures["catalogue_ndcg@10"] <= figures["catalogue_hr@10"] <= 1
    assert len(figures["reliability_share"]) == 10 and 0 <= figures["calibration_error"] <= 1
    assert trained.catalogue.temperature > 0


def test_counts_are_those_of_the_training_positives(trained: Checkpoint, simulated: Dataset) -> None:
    """Not of validation or test: what was drawn by them would know what comes."""
    split = simulated.description["split"]
    frame = simulated.interactions.filter(pl.col("user") == pl.col("user").shift())  # a first one is no positive
    expected = frame.filter(pl.col("timestamp") < split["valid_start"])["item"].value_counts()
    counted = trained.items.select("item", "count").filter(pl.col("count") > 0)
    assert dict(counted.iter_rows()) == dict(expected.iter_rows())
    q = np.maximum(trained.catalogue.counts, 1) / np.maximum(trained.catalogue.counts, 1).sum()
    assert trained.catalogue.log_popularity == pytest.approx(np.log(q))


def test_a_checkpoint_says_where_it_comes_from(trained: Checkpoint, simulated: Dataset) -> None:
    assert trained.description["trained_on"].startswith("cpu")
    assert trained.description["torch"] == torch.__version__
    assert trained.description["dataset"]["digest"] == simulated.digest
    assert trained.description["dataset"]["interactions"] == simulated.interactions.height
    assert not trained.exclude_seen  # a log with repeats
    card = (trained.folder / "README.md").read_text()
    assert "cpu" in card
    assert all(name in card for name in ("GAUC", "NDCG@10 among all items", "same_mapping_weight"))


def test_nothing_is_left_beside_it(trained: Checkpoint) -> None:
    assert [path.name for path in trained.folder.parent.iterdir()] == ["whole"]


def test_no_bar_and_no_line_when_quiet_and_every_term_when_not(
    simulated: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = settings(epochs=1, instances_per_epoch=64)
    run(simulated, tmp_path / "quiet", short)
    assert capsys.readouterr() == ("", "")
    train(simulated, tmp_path / "talks", model=MODEL, training=short, evaluation=measured())
    said = "".join(capsys.readouterr())
    assert all(f"{name} 0." in said or f"{name} 1." in said for name in ("log_loss", *REGULARISERS))
    assert "gauc" in said


# -- the same again -----------------------------------------------------------------------------------


def test_same_seed_same_checkpoint(trained: Checkpoint, simulated: Dataset, tmp_path: Path) -> None:
    run(simulated, tmp_path / "again")
    assert content(tmp_path / "again") == content(trained.folder)


def test_another_seed_another_model(trained: Checkpoint, simulated: Dataset, tmp_path: Path) -> None:
    other = run(simulated, tmp_path / "other", settings(seed=1))
    assert not equal(other.model.state_dict(), trained.model.state_dict())
    assert [r["log_loss"] for r in other.history] != [r["log_loss"] for r in trained.history]


def test_the_course_follows_the_seed_too_and_not_only_the_start(simulated: Dataset, tmp_path: Path) -> None:
    """Other instances and other negatives in every epoch and for every seed."""

    def drawn(seed: int, epoch: int) -> list[int]:
        fit_ = Trainer(simulated, tmp_path / "none", MODEL, settings(seed=seed), measured(), quiet=True).fit
        seen: list[int] = []

        def step(batch: Instances, rng: np.random.Generator, at: int) -> dict[str, float]:
            seen.extend(batch.position.tolist())
            return {"log_loss": 0.0, "total": 0.0}

        fit_._step = step  # type: ignore[method-assign]
        fit_._epoch(epoch, TrainingState({}))
        return seen

    one = drawn(0, 1)
    assert len(set(one)) == len(one) == 384
    assert one == drawn(0, 1)
    assert set(one) != set(drawn(0, 2))
    assert set(one) != set(drawn(1, 1))


# -- interrupted and resumed --------------------------------------------------------------------------


class Interrupted(BaseException):
    """As KeyboardInterrupt: nothing in the code may catch it."""


def interrupt_evaluation(patch: pytest.MonkeyPatch, epoch: int) -> None:
    """Stop in the validation of that epoch."""
    real, calls = fit.evaluate_lists, []

    def evaluate(*arguments: Any, **named: Any) -> dict[str, float]:
        calls.append(1)
        if len(calls) == epoch:
            raise Interrupted
        return real(*arguments, **named)

    patch.setattr(fit, "evaluate_lists", evaluate)


def interrupt_step(patch: pytest.MonkeyPatch, number: int) -> None:
    """Stop before that step of the run."""
    real = Fit._step

    def step(self: Fit, batch: Any, rng: Any, at: int) -> dict[str, float]:
        if at == number:
            raise Interrupted
        return real(self, batch, rng, at)

    patch.setattr(Fit, "_step", step)


def interrupt_saving(patch: pytest.MonkeyPatch, _: int) -> None:
    """Stop when all epochs are done."""

    def save(*_: Any, **__: Any) -> None:
        raise Interrupted

    patch.setattr(trainer, "save_checkpoint", save)


@pytest.mark.parametrize(
    ("interrupt", "when", "epochs_done"),
    [(interrupt_evaluation, 2, 1), (interrupt_step, 15, 2), (interrupt_saving, 0, 3)],
    ids=["in an evaluation", "in the middle of an epoch", "at the very end"],
)
def test_resumed_equals_uninterrupted(
    trained: Checkpoint,
    simulated: Dataset,
    tmp_path: Path,
    interrupt: Callable[[pytest.MonkeyPatch, int], None],
    when: int,
    epochs_done: int,
) -> None:
    output = tmp_path / "resumed"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        interrupt(patch, when)
        run(simulated, output)
    assert not output.exists()
    state = json.loads((state_folder(output) / "current" / "state.json").read_text())
    assert [record["epoch"] for record in state["epochs"]] == list(range(1, epochs_done + 1))
    torch.manual_seed(12345)  # nothing may hang on what the process did before
    np.random.seed(12345)
    run(simulated, output, resume=True)
    assert content(output) == content(trained.folder)
    assert [path.name for path in tmp_path.iterdir()] == ["resumed"]


def test_interrupted_twice(trained: Checkpoint, simulated: Dataset, tmp_path: Path) -> None:
    output = tmp_path / "resumed"
    for number, resume in ((7, False), (13, True)):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
            interrupt_step(patch, number)
            run(simulated, output, resume=resume)
    run(simulated, output, resume=True)
    assert content(output) == content(trained.folder)


def test_the_best_weights_survive_an_interruption(
    simulated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best epoch lies before it, so its weights can only come from the saved state."""
    short = settings(instances_per_epoch=128)
    evaluate, weights = scripted([0.9, 0.2])
    monkeypatch.setattr(fit, "evaluate_lists", evaluate)
    with pytest.raises(StopIteration):  # in the third epoch
        run(simulated, tmp_path / "resumed", short)
    monkeypatch.setattr(fit, "evaluate_lists", scripted([0.5])[0])
    checkpoint = run(simulated, tmp_path / "resumed", short, resume=True)
    assert checkpoint.description["best_epoch"] == 1
    assert [record["valid_gauc"] for record in checkpoint.history] == [0.9, 0.2, 0.5]
    assert equal(checkpoint.model.state_dict(), weights[0])


def test_interrupted_in_the_first_epoch_starts_again(trained: Checkpoint, simulated: Dataset, tmp_path: Path) -> None:
    output = tmp_path / "again"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        interrupt_step(patch, 3)
        run(simulated, output)
    with pytest.raises(SurgeError, match="no interrupted training"):
        run(simulated, output, resume=True)
    (state_folder(output) / "new").mkdir(parents=True)  # or while the first state was being written
    run(simulated, output)
    assert content(output) == content(trained.folder)
    assert not state_folder(output).exists()


@pytest.fixture
def interrupted(simulated: Dataset, tmp_path: Path) -> Path:
    """The output of a run that was stopped in its second epoch."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        interrupt_step(patch, 2)
        run(simulated, tmp_path / "output", settings(instances_per_epoch=128))
    return tmp_path / "output"


def test_what_cannot_be_resumed(simulated: Dataset, interrupted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("trained all the same")

    monkeypatch.setattr(Fit, "_epoch", never)
    same = settings(instances_per_epoch=128)

    def refused(words: str, dataset: Dataset = simulated, config: TrainingConfig = same, **options: Any) -> None:
        with pytest.raises(SurgeError, match=words) as caught:
            train(
                dataset,
                interrupted,
                **(
                    {"model": MODEL, "training": config, "evaluation": measured(), "quiet": True, "resume": True}
                    | options
                ),
            )
        assert len(str(caught.value).splitlines()) == 1
        assert str(caught.value).endswith(".")

    refused("An interrupted training .* go on with --resume", resume=False)
    refused(r"another training \(learning_rate, seed\)", config=replace(same, seed=4, learning_rate=0.1))
    refused(r"another model \(item_size\)", model=MODEL | {"item_size": 12})
    refused(r"another dataset \(digest\)", dataset=replace(simulated, digest="other"))
    path = state_folder(interrupted) / "current" / "tensors.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    refused("can't be resumed")
    path.unlink()
    refused("can't be resumed")
    assert not interrupted.exists()


def test_a_run_of_before_the_evaluation_had_a_part_of_its_own_is_resumed(
    trained: Checkpoint, simulated: Dataset, interrupted: Path
) -> None:
    path = state_folder(interrupted) / "current" / "state.json"
    state = json.loads(path.read_text())
    state["settings"]["training"] |= state["settings"].pop("evaluation")
    path.write_text(json.dumps(state))
    config = settings(instances_per_epoch=128)
    with pytest.raises(SurgeError, match=r"another evaluation \(evaluation_negatives\)"):
        run(simulated, interrupted, config, resume=True, evaluation=measured(evaluation_negatives=5))
    assert run(simulated, interrupted, config, resume=True).evaluation_config == measured()


def test_resumed_with_more_epochs(simulated: Dataset, interrupted: Path) -> None:
    checkpoint = run(simulated, interrupted, settings(instances_per_epoch=128, epochs=4), resume=True)
    assert len(checkpoint.history) == 4
    assert checkpoint.training_config.epochs == 4


def test_weight_decay_does_not_wipe_out_what_no_loss_touches(tmp_path: Path) -> None:
    """As a gradient of its own, Adam would make a whole step of it: lr a step, whatever its size."""
    dataset = dataset_of({"a": [(f"i{n}", n) for n in range(9)]})
    fit_ = Trainer(
        dataset, tmp_path / "out", MODEL, settings(weight_decay=1e-6, learning_rate=0.01), measured(), quiet=True
    ).fit
    before = fit_.model.item_embedding.weight.detach().clone()
    fit_._step(fit_.data.splits["train"].take(np.array([0])), np.random.default_rng(0), 0)
    gradient = fit_.model.item_embedding.weight.grad
    assert gradient is not None
    untouched = gradient.abs().sum(1) == 0
    assert 0 < untouched.sum() < 9
    after = fit_.model.item_embedding.weight.detach()
    assert torch.allclose(after[untouched], before[untouched] * (1 - 1e-8), rtol=1e-6)
    assert (after[~untouched] != before[~untouched]).any(1).all()


def test_a_falling_learning_rate_reaches_zero_with_the_last_step_and_resumes(
    simulated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two epochs of two steps: all of the learning rate, three quarters, a half, a quarter."""
    falling = settings(instances_per_epoch=128, epochs=2, schedule="linear", learning_rate=0.008)
    rates: list[float] = []
    real = torch.optim.Adam.step

    def step(self: torch.optim.Adam, *arguments: Any) -> Any:
        rates.append(self.param_groups[0]["lr"])
        return real(self, *arguments)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    whole = run(simulated, tmp_path / "whole", falling)
    assert rates == pytest.approx([0.008, 0.006, 0.004, 0.002])
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        interrupt_step(patch, 2)
        run(simulated, tmp_path / "resumed", falling)
    with pytest.raises(SurgeError, match=r"another training \(epochs\)"):
        run(simulated, tmp_path / "resumed", replace(falling, epochs=4), resume=True)
    run(simulated, tmp_path / "resumed", falling, resume=True)
    assert content(tmp_path / "resumed") == content(whole.folder)


# -- when it stops ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gauc", "patience", "epochs", "best"),
    [
        ([0.5, 0.7, 0.6, 0.69, 0.9], 2, 4, 2),  # two epochs without a better one: the fifth is never tried
        ([0.5, 0.7, 0.6, 0.8, 0.7, 0.6], 2, 6, 4),  # a better one starts the count anew
        ([0.7, 0.7, 0.9], 1, 2, 1),  # equal is not better
        ([0.5, 0.6, 0.7], 1, 3, 3),
    ],
)
def test_patience_and_the_best_epoch(
    simulated: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gauc: list[float],
    patience: int,
    epochs: int,
    best: int,
) -> None:
    evaluate, weights = scripted(gauc)
    monkeypatch.setattr(fit, "evaluate_lists", evaluate)
    config = settings(instances_per_epoch=64, epochs=len(gauc), patience=patience)
    checkpoint = run(simulated, tmp_path / "out", config)
    assert len(checkpoint.history) == len(weights) == epochs
    assert checkpoint.description["best_epoch"] == best
    assert checkpoint.metrics["validation"]["gauc"] == gauc[best - 1]
    assert [equal(checkpoint.model.state_dict(), one) for one in weights] == [n == best for n in range(1, epochs + 1)]


def test_warm_up_counts_the_steps_of_the_whole_run(
    simulated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, steps = fit.total_loss, []

    def total_loss(terms: dict[str, torch.Tensor], config: TrainingConfig, step: int) -> torch.Tensor:
        steps.append(step)
        return real(terms, config, step)

    monkeypatch.setattr(fit, "total_loss", total_loss)
    config = settings(instances_per_epoch=128)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        interrupt_step(patch, 3)
        run(simulated, tmp_path / "out", config)
    run(simulated, tmp_path / "out", config, resume=True)
    assert steps == [0, 1, 2, 2, 3, 4, 5]  # the second epoch is made again, from its first step on


# -- what it refuses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 17])
def test_a_loss_that_is_not_a_number(
    simulated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    real = fit.total_loss
    monkeypatch.setattr(
        fit, "total_loss", lambda terms, config, at: real(terms, config, at) * (np.nan if at == step else 1)
    )
    with pytest.raises(SurgeError, match=f"diverged in epoch {1 if step == 1 else 3} .* lower learning_rate"):
        run(simulated, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_spoilt_by_the_last_step_of_an_epoch(
    simulated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No loss has seen them yet, and every rank among NaN scores would be the first."""
    real = Fit._step

    def step(self: Fit, batch: Any, rng: Any, at: int) -> dict[str, float]:
        terms = real(self, batch, rng, at)
        if at == 5:
            self.model.predict.score[0].bias.data[0] = torch.inf
        return terms

    monkeypatch.setattr(Fit, "_step", step)
    with pytest.raises(SurgeError, match="diverged in epoch 1"):
        run(simulated, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_an_output_that_exists_is_refused_before_any_training(
    simulated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(Trainer, "run", lambda *_: pytest.fail("trained all the same"))
    output = tmp_path / "out"
    output.mkdir() if kind == "folder" else output.write_text("mine")
    with pytest.raises(SurgeError, match="already exists"):
        run(simulated, output)


TIMES = {"method": "time", "valid_start": 10, "test_start": 20}


@pytest.mark.parametrize(
    ("histories", "split", "name"),
    [
        ({"a": [("x", 1), ("y", 11), ("x", 21)]}, TIMES, "train"),
        ({"a": [("x", 1), ("y", 2), ("x", 21)], "b": [("y", 11)]}, TIMES, "valid"),  # b has no history
        ({"a": [("x", 1), ("y", 2), ("x", 11)]}, TIMES, "test"),
        ({"a": [("x", 1), ("y", 2), ("x", 3)]}, {"method": "leave-last"}, "train"),
        ({"a": [("x", 1)], "b": [("y", 1)]}, {"method": "leave-last"}, "train"),
    ],
)
def test_a_split_without_an_instance(tmp_path: Path, histories: dict, split: dict, name: str) -> None:
    with pytest.raises(SurgeError, match=f"leaves no {name} instance") as problem:
        run(dataset_of(histories, split), tmp_path / "out")
    split_by_time = "with other periods, or with the split leave-last"
    advice = split_by_time if split is TIMES else "more of the log, or with the split time"
    assert str(problem.value).endswith(f"{advice}.")  # not what is so already
    assert list(tmp_path.iterdir()) == []


def test_a_catalogue_of_one_item(tmp_path: Path) -> None:
    with pytest.raises(SurgeError, match="A catalogue of one item has no negatives"):
        run(dataset_of({"a": [("x", t) for t in range(6)]}), tmp_path / "out")


@pytest.mark.parametrize(
    ("model", "words"),
    [({"colour": 3}, "Unknown setting colour"), ({"heads": 5}, "divided among 5 heads"), ({"clusters": 4}, "clusters")],
)
def test_impossible_settings(simulated: Dataset, tmp_path: Path, model: dict, words: str) -> None:
    with pytest.raises(SurgeError, match=words):
        train(simulated, tmp_path / "out", model=MODEL | model, training=settings(), quiet=True)


def test_cuda_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SurgeError, match="No CUDA device is at hand"):
        choose_device("cuda")
    assert choose_device("auto").type == choose_device("cpu").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == choose_device("cuda").type == "cuda"
    assert choose_device("cpu").type == "cpu"


# -- other precisions, devices and logs ---------------------------------------------------------------


def test_bfloat16_trains_to_a_finite_checkpoint(trained: Checkpoint, simulated: Dataset, tmp_path: Path) -> None:
    checkpoint = run(simulated, tmp_path / "out", settings(precision="bfloat16"))
    weights = checkpoint.model.state_dict()
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())
    assert weights["item_embedding.weight"].dtype == torch.float32
    assert checkpoint.history[-1]["log_loss"] < checkpoint.history[0]["log_loss"]
    assert not equal(weights, trained.model.state_dict())  # it did make a difference
    assert checkpoint.history[-1]["log_loss"] == pytest.approx(trained.history[-1]["log_loss"], abs=0.05)
    # and it is what the epochs were judged by
    data, best = TrainingData.of(simulated), checkpoint.history[checkpoint.description["best_epoch"] - 1]
    judged = [
        evaluate_lists(Surge(checkpoint.model), data.log, *data.validation(measured(), 0), precision=one)["auc"]
        for one in ("bfloat16", "float32")
    ]
    assert best["valid_auc"] == pytest.approx(judged[0], abs=1e-9) != pytest.approx(judged[1], abs=1e-9)


@cuda
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_cuda_trains_and_its_checkpoint_loads_on_the_cpu(simulated: Dataset, tmp_path: Path, precision: str) -> None:
    checkpoint = run(simulated, tmp_path / "out", settings(device="cuda", precision=precision))
    assert checkpoint.description["trained_on"].startswith("cuda (")
    assert checkpoint.history[-1]["log_loss"] < checkpoint.history[0]["log_loss"]
    assert {tensor.device.type for tensor in checkpoint.model.state_dict().values()} == {"cpu"}
    there = load_checkpoint(tmp_path / "out", "cuda").model.state_dict()
    assert {tensor.device.type for tensor in there.values()} == {"cuda"}
    assert equal({name: tensor.cpu() for name, tensor in there.items()}, checkpoint.model.state_dict())


@cuda
def test_cuda_resumes(simulated: Dataset, tmp_path: Path) -> None:
    config = settings(device="cuda")
    whole = run(simulated, tmp_path / "whole", config)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        interrupt_step(patch, 9)
        run(simulated, tmp_path / "resumed", config)
    resumed = run(simulated, tmp_path / "resumed", config, resume=True)
    for name, tensor in whole.model.state_dict().items():  # atomic sums on the device come in no fixed order
        assert torch.allclose(resumed.model.state_dict()[name], tensor, atol=1e-4), name


@pytest.mark.parametrize("again", [False, True])
def test_history_items_are_negatives_only_where_items_are_taken_twice(tmp_path: Path, again: bool) -> None:
    """The whole of it, and not only the two items that the model reads. The log says what is taken twice, not a note
    that somebody wrote beside it."""
    taken = [f"i{n // (1 + again)}" for n in range(9 * (1 + again))]
    dataset = dataset_of({"a": list(zip(taken, range(len(taken)), strict=True))}, repeat_share=1.0 - again)
    model = MODEL | {"max_length": 2}
    fit_ = Trainer(dataset, tmp_path / "out", model, settings(negatives=40), measured(), quiet=True).fit
    seen: list[np.ndarray] = []
    real = fit_.recommender.loss_terms
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            fit_.recommender,
            "loss_terms",
            lambda batch, config: seen.append(batch.candidates.numpy()) or real(batch, config),
        )
        fit_._step(fit_.data.splits["train"], np.random.default_rng(0), 0)
    positive, items = seen[0][:, :1], seen[0][:, 1:]
    # the log is i0, i1, ..., so the history of a positive is all rows below it
    assert items.shape[1] == 40
    assert bool((items < positive).any()) == again
    assert (items > positive).any()


# -- what the model must be able to learn -------------------------------------------------------------


def auc_after_training(dataset: Dataset, output: Path, **model: Any) -> float:
    config = settings(
        epochs=12,
        patience=12,
        instances_per_epoch=None,
        learning_rate=1e-2,
        weight_decay=0.0,
        same_mapping_weight=0.0,
        single_affiliation_weight=0.0,
        relative_position_weight=0.0,
        balance_weight=0.0,
    )
    lists = measured(test_instances=100, evaluation_negatives=30)
    wide = {"item_size": 16, "evolution_size": 16, "prediction_hidden": (32,)}
    checkpoint = train(dataset, output, model=MODEL | wide | model, training=config, evaluation=lists, quiet=True)
    return evaluate_split(checkpoint, dataset, "test")["auc"]


def test_learns_that_the_next_item_follows_from_the_last(tmp_path: Path) -> None:
    """80 walkers on one ring of 20 items: all items are alike but for the order, and 1.00 can be had."""
    starts = np.random.default_rng(0).integers(0, 20, 80)
    ring = {f"u{n:02}": [(f"i{(start + t) % 20:02}", t) for t in range(14)] for n, start in enumerate(starts)}
    assert auc_after_training(dataset_of(ring, repeat_share=1.0), tmp_path / "out", max_length=4) > 0.97


def test_learns_the_interest_of_a_user(tmp_path: Path) -> None:
    """Eight interests of five items, no category: who clicks in one goes on in it, in no order."""
    rng = np.random.default_rng(0)
    log = {f"u{n:02}": [(f"i{n % 8}{rng.integers(5)}", t) for t in range(14)] for n in range(64)}
    # a negative of the same interest, one in nine, can't be told from the positive: 0.95 is the most
    assert auc_after_training(dataset_of(log, repeat_share=1.0), tmp_path / "out") > 0.9
