"""The worked example of docs/extend.md: another pooling is trained, explained and drawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import torch

from surge.config import EquationForms, TrainingConfig
from surge.errors import SurgeError
from surge.explanation.explain import explain_history
from surge.model.assignment import Assignment
from surge.model.evolution import MeanEvolution
from surge.model.forms import ACTIVATIONS, EVOLUTIONS, FUSIONS, NONLINEARITIES, POSITIONS, TIMES
from surge.model.surge import SurgeModel
from surge.pictures.assignment_matrix import assignment_matrix
from surge.recommenders.surge import Surge
from surge.training.losses import total_loss
from tests.explanation.worlds import history_of, make_checkpoint
from tests.model.small import HISTORIES, context_of, pad, small_model

GUIDE = Path(__file__).parents[2] / "docs" / "extend.md"
CANDIDATES = torch.tensor([[5, 9, 1]] * len(HISTORIES))


@pytest.fixture(scope="module")
def diffpool() -> Callable[[int, int], Assignment]:
    """The class as the guide prints it."""
    return printed()["DiffPool"]


def printed() -> dict[str, Any]:
    """What the guide's code defines, and `entry`: its line of ASSIGNMENTS."""
    code, entry = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, Any] = {}
    exec(compile(f"{code}\nentry = {{{entry}}}", str(GUIDE), "exec"), found)
    return found


def with_pooling(diffpool: Callable[[int, int], Assignment], layers: tuple[int, ...]) -> SurgeModel:
    base = make_checkpoint(count=30)
    torch.manual_seed(3)
    assignments = [diffpool(base.model_config.size, clusters) for clusters in layers]
    model = SurgeModel(base.model_config, base.model.item_category, assignments=assignments)
    model.load_state_dict({k: v for k, v in base.model.state_dict().items() if "extract" not in k}, strict=False)
    return model


@pytest.mark.parametrize("layers", [(6,), (6, 3)])
def test_it_assigns_whatever_the_padding_and_every_weight_learns(
    diffpool: Callable[[int, int], Assignment], layers: tuple[int, ...]
) -> None:
    surge = Surge(with_pooling(diffpool, layers))
    history = pad(HISTORIES)
    read = surge.model.read(surge.model.build_graph(history), CANDIDATES)
    for layer, clusters in zip(read.extraction.layers, layers, strict=True):
        assert layer.assignment.shape[-1] == clusters
    assert read.extraction.layers[0].assignment.sum(-1)[0].detach().numpy() == pytest.approx(
        np.ones((3, len(HISTORIES[0]))), abs=1e-5
    )
    padded = pad([*HISTORIES, [0] * 20])
    longer = surge.model.score(surge.model.build_graph(padded), torch.tensor([[5, 9, 1]] * (len(HISTORIES) + 1)))
    assert torch.allclose(longer[:-1], read.logit, atol=1e-5)
    config = TrainingConfig()
    batch = surge.draw(history, CANDIDATES, context_of(history), config)
    total_loss(surge.loss_terms(batch, config), config, 500).backward()
    for name, parameter in surge.model.extract.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_it_is_explained_and_drawn(diffpool: Callable[[int, int], Assignment]) -> None:
    model = with_pooling(diffpool, (6,)).eval().requires_grad_(False)
    checkpoint = replace(make_checkpoint(count=30), model=model)
    record = explain_history(checkpoint, history_of(checkpoint, [3, 1, 4, 1, 5, 9, 2, 6]), "i7")
    assignment = record.interest_extraction.assignment
    assert assignment.shape == (8, 6) and assignment.sum(1) == pytest.approx(np.ones(8), abs=1e-5)
    pooled = assignment.T @ record.interest_fusion.fused
    assert record.interest_extraction.pooled == pytest.approx(pooled, abs=1e-5)
    with torch.inference_mode():
        graph = model.build_graph(pad([[3, 1, 4, 1, 5, 9, 2, 6]]))
        own = model.read(graph, torch.tensor([[7]])).extraction.layers[0].assignment[0, 0].numpy()
    assert assignment == pytest.approx(own, abs=1e-4)
    figure = assignment_matrix(record, "light")
    cells = next(trace for trace in figure.data if trace.name == "cells")
    item, cluster = np.asarray(cells.customdata).T
    assert len(item) == 48  # every share is large enough to be drawn
    assert np.asarray(cells.marker.color) == pytest.approx(assignment[item, cluster], abs=1e-6)


def test_a_new_evolution_is_injected() -> None:
    base = make_checkpoint(count=30, evolution="none")
    model = SurgeModel(base.model_config, base.model.item_category, evolution=MeanEvolution())
    model.load_state_dict(base.model.state_dict())
    history = pad(HISTORIES)
    expected = base.model.score(base.model.build_graph(history), CANDIDATES)
    assert torch.equal(model.score(model.build_graph(history), CANDIDATES), expected)


def test_every_setting_has_its_module() -> None:
    words = {name: get_args(kind) for name, kind in get_type_hints(EquationForms).items()}
    tables = {"evolution": EVOLUTIONS, "fusion": FUSIONS, "position": POSITIONS, "time": TIMES}
    tables |= {"activation": ACTIVATIONS, "attention_nonlinearity": NONLINEARITIES}
    assert {name: tuple(table) for name, table in tables.items()} == {name: words[name] for name in tables}


def test_a_pooling_without_a_name_is_one_sentence() -> None:
    with pytest.raises(SurgeError, match=r"^The setting extraction is 'diffpool'; it must be one of soft, none\.$"):
        small_model(extraction="diffpool")
